import { beforeAll, describe, expect, test } from "vitest";
import type { Deployment } from "../e2e/deployment.ts";

/** At once and as often as they like. */
export function responsesTests(given: () => Deployment): void {
  describe("responses that later requests refer to", () => {
    let house: Deployment;
    beforeAll(() => {
      house = given();
    });

    interface Answer {
      readonly id: string;
      readonly store: boolean;
      readonly previous_response_id: string | null;
      readonly output: readonly { readonly id: string; readonly type: string }[];
    }

    async function ask(body: object, stream: boolean): Promise<Answer> {
      const response = await house.call("/v1/responses", { model: "claude-sonnet-4-5", stream, ...body });
      const text = await response.text();
      expect([response.status, response.status === 200 ? "" : text]).toEqual([200, ""]);
      if (!stream) return JSON.parse(text);
      const last = text.trim().split("\n").at(-1) ?? "";
      return JSON.parse(last.slice("data: ".length)).response;
    }

    /** The turns that the upstream was sent last. */
    function turns(): readonly { readonly role: string }[] {
      const { body = Buffer.from("{}") } = house.simulator.requests.at(-1) ?? {};
      return (JSON.parse(body.toString()) as { messages: { role: string }[] }).messages;
    }

    test.each([false, true])("an answer is gone on from right after its end (stream: %s)", async (stream) => {
      const first = await ask({ input: "Hello" }, stream);
      expect(first).toMatchObject({ store: true, previous_response_id: null });
      const second = await ask({ input: "And now?", previous_response_id: first.id }, stream);
      expect(second.previous_response_id).toBe(first.id);
      expect(turns().map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
      const reference = { type: "item_reference", id: second.output.at(-1)?.id };
      await ask({ input: [{ role: "user", content: "Hello" }, reference, { role: "user", content: "Go on" }] }, stream);
      expect(turns().map(({ role }) => role)).toEqual(["user", "assistant", "user"]);

      const got = (await (await house.call(`/v1/responses/${second.id}`)).json()) as Answer;
      expect(got).toMatchObject({ id: second.id, store: true, previous_response_id: first.id });
      const { data } = (await (await house.call(`/v1/responses/${second.id}/input_items`)).json()) as {
        data: object[];
      };
      expect(data).toMatchObject([
        { type: "message", role: "user", content: [{ type: "input_text", text: "And now?" }] },
      ]);

      const headers = { authorization: `Bearer ${house.key}` };
      const deleted = await fetch(`${house.url}/v1/responses/${first.id}`, { method: "DELETE", headers });
      expect(await deleted.json()).toEqual({ id: first.id, object: "response", deleted: true });
      expect((await house.call(`/v1/responses/${first.id}`)).status).toBe(404);
      const lost = await house.call("/v1/responses", { model: "gpt-4o", input: "x", previous_response_id: second.id });
      expect(await lost.json()).toMatchObject({ error: { code: "invalid_value", param: "previous_response_id" } });
    });

    test("nothing goes on from an answer that was not to be stored", async () => {
      const first = await ask({ input: "Hello", store: false }, false);
      expect(first.store).toBe(false);
      const next = await house.call("/v1/responses", { model: "gpt-4o", input: "x", previous_response_id: first.id });
      expect([next.status, (await next.json()) as object]).toMatchObject([
        400,
        { error: { param: "previous_response_id" } },
      ]);
    });
  });
}
