import { estimateTextTokens } from "../../../shared/estimate/text.ts";
import { videoBound } from "../../../shared/estimate/video.ts";
import { Unit } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { reservedInputTokens } from "../../domain/worst-case.ts";
import type { Demand } from "../../story/demand.ts";
import type { VideosBody } from "./schema.ts";

/** What a request for a video asks for: its length by the second, or by the tokens that its size makes of it. */
export function videoDemand(body: VideosBody): Demand {
  const { model, prompt, size } = body;
  const inputTokens = estimateTextTokens(prompt);
  const seconds = secondsOf(body);
  const { ms, tokens } = videoBound(seconds === undefined ? undefined : Number(seconds), size ?? undefined);
  return {
    model,
    answer: "json",
    includeUsage: false,
    needs: { inputTokens, maxOutputTokens: 0, capabilities: [] },
    headers: {},
    affinity: "",
    worst: () => ({
      ...noUsage,
      inputTokens: BigInt(reservedInputTokens(inputTokens)),
      more: [
        { unit: Unit.OUTPUT_VIDEO_TOKENS, amount: BigInt(tokens) },
        { unit: Unit.OUTPUT_VIDEO_MS, amount: BigInt(ms) },
      ],
      traits: size === undefined || size === null ? {} : { size },
    }),
    refuses: () => undefined,
  };
}

/** The length that a request names, under whichever name; undefined: none. */
export function secondsOf({ seconds, duration }: Pick<VideosBody, "seconds" | "duration">): string | undefined {
  const given = seconds ?? duration ?? undefined;
  return given === undefined ? undefined : String(given);
}
