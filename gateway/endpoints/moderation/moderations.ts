import { ThroughlineError } from "../../../shared/errors/error.ts";
import { moderationEstimate } from "../../../shared/estimate/moderation.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import { inputTooLong, reservedInputTokens } from "../../domain/worst-case.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { type ModerationBody, moderationBody } from "./moderation-body.ts";

/** The model of a client that names none, as in the API that it speaks. */
const defaultModel = "omni-moderation-latest";

/** POST /v1/moderations: whether texts and images are harmful. */
export const moderations: Endpoint<typeof moderationBody> = {
  paths: ["/v1/moderations"],
  module: Module.MODERATION,
  dialect: "openai.moderations",
  body: moderationBody,
  inBandError: openaiInBandError,
  keepsAnswer: true,
  read(body) {
    checkTypes(body);
    const { all, longest } = moderationEstimate(body.input);
    const reserved = { ...noUsage, inputTokens: BigInt(reservedInputTokens(all)) };
    return {
      model: body.model ?? defaultModel,
      answer: "json",
      includeUsage: false,
      needs: { inputTokens: all, maxOutputTokens: 0, capabilities: [] },
      headers: {},
      affinity: "",
      worst: () => reserved,
      // Each input is judged by itself.
      refuses: ({ contextWindowTokens }) => inputTooLong(longest, contextWindowTokens, "input"),
    };
  },
};

const types: readonly unknown[] = ["text", "image_url"];

/** A part of another type has nothing that is judged: it must not seem to be harmless. */
function checkTypes({ input }: ModerationBody): void {
  if (typeof input === "string") return;
  for (const [index, part] of input.entries()) {
    if (typeof part === "string" || types.includes(part.type)) continue;
    const param = `input[${index}].type`;
    throw new ThroughlineError("invalid_value", `${param} must be "text" or "image_url".`, { param });
  }
}
