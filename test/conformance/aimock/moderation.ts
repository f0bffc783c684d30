import type { LLMock } from "@copilotkit/aimock";
import OpenAI from "openai";
import { beforeAll, describe, expect, test } from "vitest";
import { type Deployment, eventually } from "../../e2e/deployment.ts";
import { hasPython, python } from "../python.ts";

/*
 * OpenAI's SDK: against the simulator, and against an upstream that this project did not write, as the channel that
 * OPENAI_API_KEY and OPENAI_BASE_URL add.
 */

const hasOpenAi = await hasPython("openai");
/** openai for Python: the upstream that another house wrote, the simulator, and an error. */
const moderatesInPython = `
import sys
import openai
url, key = sys.argv[1:]
client = openai.OpenAI(api_key=key, base_url=url, max_retries=0)
judged = client.moderations.with_raw_response.create(input="I hate it")
answer = judged.parse()
assert answer.id == "modr-" + judged.headers["x-request-id"], answer.id
assert answer.results[0].flagged and answer.results[0].categories.hate
ours = client.moderations.create(model="moderation/sim-slow-first-token-1", input=["a nice day", "they kill"])
assert [one.flagged for one in ours.results] == [False, True]
assert ours.results[1].category_applied_input_types.violence == ["text"]
try:
    client.moderations.create(input=[])
    assert False, "an empty list was judged"
except openai.BadRequestError as error:
    assert error.param == "input" and error.request_id, error
`;

/** OpenAI's SDK judges texts and images. */
export function moderationTests(given: () => Deployment, mock: LLMock): void {
  describe("moderation", () => {
    beforeAll(() => {
      mock.onModerate("hate", { flagged: true, categories: { hate: true }, category_scores: { hate: 0.75 } });
    });

    const client = () => new OpenAI({ apiKey: given().key, baseURL: `${given().url}/v1`, maxRetries: 0 });

    async function recordOf(id: string | null | undefined) {
      return eventually(async () => {
        const response = await given().call("/bp/ai/ai_request/history/query?page=1&page_size=100");
        const { data } = (await response.json()) as { data: Record<string, unknown>[] };
        return data.find((row) => row.request_id === id && row.status !== "processing");
      });
    }

    test("an upstream that another house wrote judges what has no model, for nothing", async () => {
      const answer = await client().moderations.create({ input: "I hate it" });
      expect(answer.id).toBe(`modr-${answer._request_id}`);
      expect(answer.results).toMatchObject([
        { flagged: true, categories: { hate: true }, category_scores: { hate: 0.75 } },
      ]);
      expect(await recordOf(answer._request_id)).toMatchObject({
        module: "moderation",
        platform: "openai",
        throughline: { model: "omni-moderation-latest", billed_usd: "0", estimated: true },
      });
      const headers = new Headers(mock.getRequests().at(-1)?.headers as Record<string, string>);
      expect(headers.get("x-request-id")).toBe(answer._request_id);
    });

    test("texts and images, by the simulator", async () => {
      const model = "moderation/sim-slow-first-token-1";
      const texts = await client().moderations.create({ model, input: ["a nice day", "they kill"] });
      expect(texts.results.map(({ flagged }) => flagged)).toEqual([false, true]);
      const parts = await client().moderations.create({
        model,
        input: [
          { type: "text", text: "a nice day" },
          { type: "image_url", image_url: { url: "https://a.example/war.png" } },
        ],
      });
      expect(parts.results).toMatchObject([
        { flagged: true, category_applied_input_types: { violence: ["text", "image"] } },
      ]);
      await recordOf(parts._request_id);
    });

    test.runIf(hasOpenAi)("openai for Python, where it is installed", async () => {
      await python(moderatesInPython, `${given().url}/v1`, given().key);
    });

    test("errors are the SDK's", async () => {
      const wrong = client().moderations.create({ input: [] });
      await expect(wrong).rejects.toBeInstanceOf(OpenAI.BadRequestError);
      await expect(wrong).rejects.toMatchObject({ param: "input" });
      const failed = client().moderations.create({ model: "moderation/sim-empty", input: "a" });
      await expect(failed).rejects.toMatchObject({ status: 502, code: "upstream_error" });
    });
  });
}
