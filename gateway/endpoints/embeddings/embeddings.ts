import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { noUsage } from "../../../shared/money/usage.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import { reservedInputTokens } from "../../domain/worst-case.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { checkInput } from "./check-input.ts";
import { embeddingsBody } from "./schema.ts";

const cut: readonly string[] = ["dimensions"];
const nothing: readonly string[] = [];

/** POST /v1/embeddings: vectors of texts or of tokens. */
export const embeddings: Endpoint<typeof embeddingsBody> = {
  paths: ["/v1/embeddings"],
  module: Module.EMBEDDINGS,
  dialect: "openai.embeddings",
  body: embeddingsBody,
  inBandError: openaiInBandError,
  waitsForCost: true,
  // Vectors may take 33 MB, so history keeps a document that says how many there were.
  keepsAnswer: false,
  read(body) {
    const { textTokens, givenTokens } = checkInput(body.input);
    const reserved = { ...noUsage, inputTokens: BigInt(reservedInputTokens(textTokens) + givenTokens) };
    return {
      model: body.model,
      // The provider has the whole answer before it gives any of it: the gateway need not keep 33 MB for a client that is slow.
      answer: "bytes",
      includeUsage: false,
      needs: {
        inputTokens: textTokens + givenTokens,
        maxOutputTokens: 0,
        capabilities: typeof body.dimensions === "number" ? cut : nothing,
      },
      headers: {},
      affinity: "",
      worst: () => reserved,
      // A model's window is for each input, and the upstream counts exactly.
      refuses: () => undefined,
    };
  },
};
