import type { LLMock } from "@copilotkit/aimock";
import { CohereClient, CohereClientV2, CohereError } from "cohere-ai";
import { beforeAll, describe, expect, test } from "vitest";
import { type Deployment, eventually } from "../../e2e/deployment.ts";
import { hasPython, python } from "../python.ts";

/*
 * Cohere's own SDK, both of its clients, and a client of Jina's shape: against the simulator, and against an upstream that this
 * project did not write, as the channel that COHERE_API_KEY and COHERE_BASE_URL add.
 */

const hasCohere = await hasPython("cohere");
/** Cohere's client for Python, both versions: the simulator, the upstream that another house wrote, and an error. */
const ranksInPython = `
import sys
import cohere
from cohere.core import ApiError
url, key = sys.argv[1:]
documents = ["Paris is a city", "the weather in Paris is fine", "weather in Rome"]
asked = dict(query="weather in Paris", documents=documents)
second = cohere.ClientV2(api_key=key, base_url=url).rerank(model="rerank/sim-plain", top_n=2, **asked)
assert [one.index for one in second.results] == [1, 2], second
assert second.meta.billed_units.search_units == 1
first = cohere.Client(api_key=key, base_url=url).rerank(model="rerank/sim-plain", return_documents=True, **asked)
assert first.results[0].document.text == documents[1], first
theirs = cohere.ClientV2(api_key=key, base_url=url).rerank(model="rerank-v3.5", **asked)
assert [one.index for one in theirs.results] == [1, 0], theirs
try:
    cohere.ClientV2(api_key=key, base_url=url).rerank(model="rerank/sim-plain", query="", documents=documents)
    assert False, "an empty query was ranked"
except ApiError as error:
    assert error.status_code == 400 and error.body["error"]["param"] == "query", error
`;

/** A model of the simulator. */
const ours = "rerank/sim-plain";
const documents = ["Paris is a city", "the weather in Paris is fine", "weather in Rome"];
const asked = { query: "weather in Paris", documents };

/** Cohere's own SDK, both of its clients, and a client of Jina's shape. */
export function rerankTests(given: () => Deployment, mock: LLMock): void {
  describe("rerank", () => {
    beforeAll(() => {
      mock.onRerank("weather", [
        { index: 0, relevance_score: 0.1 },
        { index: 1, relevance_score: 0.9 },
      ]);
    });

    const options = () => ({ token: given().key, environment: given().url, maxRetries: 0 });

    /** The record of an answer, by the request that its ID names. */
    async function recordOf(answerId: string | undefined) {
      const id = answerId?.replace("rerank-", "");
      return eventually(async () => {
        const response = await given().call("/bp/ai/ai_request/history/query?page=1&page_size=100");
        const { data } = (await response.json()) as { data: Record<string, unknown>[] };
        return data.find((row) => row.request_id === id && row.status === "succeeded");
      });
    }

    test("Cohere's v2 client", async () => {
      const answer = await new CohereClientV2(options()).rerank({ model: ours, ...asked, topN: 2 });
      expect(answer.results.map(({ index }) => index)).toEqual([1, 2]);
      expect(answer.meta?.apiVersion?.version).toBe("2");
      expect(answer.meta?.billedUnits?.searchUnits).toBe(1);
      const row = await recordOf(answer.id);
      expect(row).toMatchObject({ module: "rerank", throughline: { model: "rerank/sim-*", estimated: false } });
      expect(JSON.parse(String(row.response)).results).toHaveLength(2);
    });

    test("Cohere's v1 client: documents that are objects, and back", async () => {
      const given = documents.map((text, at) => ({ text, place: String(at) }));
      const answer = await new CohereClient(options()).rerank({
        ...{ model: ours, query: asked.query, documents: given },
        ...{ returnDocuments: true, rankFields: ["text"] },
      });
      expect(answer.results.map(({ index }) => index)).toEqual([1, 2, 0]);
      expect(answer.results[0]?.document).toMatchObject(given[1] ?? {});
      expect(answer.meta?.apiVersion?.version).toBe("1");
      await recordOf(answer.id);
    });

    test("Jina's shape, on both of its paths", async () => {
      for (const path of ["/v1/rerank", "/rerank"]) {
        const response = await given().call(path, { model: ours, ...asked, top_n: 1 });
        expect(response.status).toBe(200);
        const answer = (await response.json()) as { id: string };
        expect(answer).toMatchObject({
          model: "sim-plain",
          results: [{ index: 1, document: { text: documents[1] } }],
          usage: { total_tokens: expect.any(Number) },
          meta: { billed_units: { search_units: 1 } },
        });
        await recordOf(answer.id);
      }
    });

    test("an upstream that another house wrote", async () => {
      const answer = await new CohereClientV2(options()).rerank({ model: "rerank-v3.5", ...asked });
      expect(answer.results.map(({ index }) => index)).toEqual([1, 0]);
      const row = await recordOf(answer.id);
      expect(row).toMatchObject({ platform: "cohere", unit_price: { output_token: 1 } });
      const sent = mock.getRequests().at(-1);
      const headers = new Headers(sent?.headers as Record<string, string>);
      expect(headers.get("x-request-id")).toBe(answer.id?.replace("rerank-", ""));
      expect(headers.get("authorization")).not.toContain(given().key);
    });

    test.runIf(hasCohere)("Cohere's client for Python, where it is installed", async () => {
      await python(ranksInPython, given().url, given().key);
    });

    test("errors are the SDK's", async () => {
      const client = new CohereClientV2(options());
      await expect(client.rerank({ model: ours, query: "", documents })).rejects.toMatchObject({
        statusCode: 400,
        body: { error: { param: "query" } },
      });
      const failed = client.rerank({ model: "rerank/sim-nan", ...asked });
      await expect(failed).rejects.toBeInstanceOf(CohereError);
      await expect(failed).rejects.toMatchObject({ statusCode: 502, body: { error: { code: "upstream_error" } } });
    });
  });
}
