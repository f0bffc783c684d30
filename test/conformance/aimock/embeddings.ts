import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embed, embedMany } from "ai";
import OpenAI from "openai";
import { describe, expect, test } from "vitest";
import type { Deployment } from "../../e2e/deployment.ts";
import { hasPython, python } from "../python.ts";

/*
 * The SDKs that applications embed with: against the simulator, and against an upstream that this project did not write, as
 * the channel that OPENAI_API_KEY and OPENAI_BASE_URL add.
 */

/** Models that aimock serves, and the simulator. */
const theirs = "text-embedding-3-small";
const ours = "embeddings/sim-plain";

/** openai for Python, and LangChain where it is there too. aimock's numbers are doubles, so they are compared as float32. */
const embedsInPython = `
import array, importlib.util, sys
from openai import OpenAI
url, key, model = sys.argv[1:]
floats = lambda vectors: [array.array("f", vector) for vector in vectors]
client = OpenAI(api_key=key, base_url=url, max_retries=0)
plain = client.embeddings.create(model=model, input=["one", "two"], encoding_format="float")
packed = client.embeddings.create(model=model, input=["one", "two"])
expected = floats(one.embedding for one in plain.data)
assert len(expected) == 2 and floats(one.embedding for one in packed.data) == expected
if importlib.util.find_spec("langchain_openai") is not None:
    from langchain_openai import OpenAIEmbeddings
    chain = OpenAIEmbeddings(model=model, api_key=key, base_url=url, check_embedding_ctx_length=False)
    assert floats(chain.embed_documents(["one", "two"])) == expected
`;
const hasOpenAi = await hasPython("openai");

/** The SDKs that applications embed with. */
export function embeddingsTests(given: () => Deployment): void {
  describe("embeddings", () => {
    describe.each([theirs, ours])("%s", (model) => {
      test("openai for Node: in base64, which it asks for by itself, and as numbers", async () => {
        const client = new OpenAI({ apiKey: given().key, baseURL: `${given().url}/v1`, maxRetries: 0 });
        const input = ["one", "two"];
        const packed = await client.embeddings.create({ model, input });
        const plain = await client.embeddings.create({ model, input, encoding_format: "float" });
        expect(packed.data).toHaveLength(2);
        for (const [place, { embedding }] of packed.data.entries()) {
          // aimock's numbers are doubles; a float32 is what base64 can say.
          const floats = Array.from(plain.data[place]?.embedding ?? [], Math.fround);
          expect(Array.from(embedding, Math.fround)).toEqual(floats);
          expect(floats.length).toBeGreaterThan(0);
        }
        expect(plain.usage.prompt_tokens).toBeGreaterThan(0);
      });

      test("AI SDK: embed and embedMany", async () => {
        const provider = createOpenAICompatible({ name: "house", baseURL: `${given().url}/v1`, apiKey: given().key });
        const embedder = provider.embeddingModel(model);
        const one = await embed({ model: embedder, value: "one", maxRetries: 0 });
        const many = await embedMany({ model: embedder, values: ["one", "two"], maxRetries: 0 });
        expect(many.embeddings[0]).toEqual(one.embedding);
        expect(many.embeddings[1]).not.toEqual(one.embedding);
        expect(many.usage.tokens).toBeGreaterThan(0);
      });

      test.runIf(hasOpenAi)("openai for Python and LangChain, where they are installed", async () => {
        await python(embedsInPython, `${given().url}/v1`, given().key, model);
      });
    });
  });
}
