import type { Asked } from "../../domain/exchange.ts";
import { embeddingsExchanges } from "../../modules/embeddings/translate.ts";
import { asObject, parseJson } from "../../wire/json.ts";
import type { Adapter } from "../adapter.ts";
import { messagesFailure } from "../anthropic/errors.ts";
import { geminiFailure } from "../gemini/errors.ts";
import { generatedCounts, generatedExchanges } from "../gemini/generated.ts";
import { checkVertexCredential, grantVertexToken } from "./account.ts";
import { anthropicCounts, anthropicExchanges } from "./anthropic.ts";
import { countGenerated } from "./count-tokens.ts";
import { vertexEmbeddings } from "./embeddings.ts";
import { readFlavour } from "./flavour.ts";

/** Google's Vertex AI: Google's own models, and Anthropic's. Its base URL ends with the project and the location. */
export const vertexAdapter: Adapter = {
  open(flavourJson) {
    const flavour = readFlavour(flavourJson);
    return {
      sign: (token) => ({ authorization: `Bearer ${token}` }),
      checkCredential: checkVertexCredential,
      grant: grantVertexToken,
      requestIdHeaders: ["request-id"],
      exchanges: byPublisher(
        {
          ...generatedExchanges(flavour.google),
          ...embeddingsExchanges((model) => vertexEmbeddings(flavour, model)),
        },
        anthropicExchanges(flavour),
      ),
      ...(flavour.counts
        ? { counts: byPublisher(generatedCounts(flavour.google, countGenerated), anthropicCounts(flavour)) }
        : {}),
      // Anthropic's models fail in Anthropic's words, but where the platform fails before them.
      failure: (status, headers, body, upstreamRequestId) =>
        asObject(parseJson(body))?.type === "error"
          ? messagesFailure(status, headers, body, upstreamRequestId)
          : geminiFailure(status, headers, body, upstreamRequestId),
    };
  },
};

type ByDialect<T> = Readonly<Record<string, (asked: Asked) => T>>;

/** Whoever's model it is, in the format of its maker; what its maker's format does not do is done in Google's. */
function byPublisher<T>(google: ByDialect<T>, anthropic: ByDialect<T>): ByDialect<T> {
  return Object.fromEntries(
    Object.entries(google).map(([dialect, ofGoogle]) => [
      dialect,
      (asked) => (/claude/i.test(asked.upstreamModel) ? (anthropic[dialect] ?? ofGoogle) : ofGoogle)(asked),
    ]),
  );
}
