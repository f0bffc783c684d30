import { expect, test } from "vitest";
import { createRoute } from "../../shared/gen/lane_codecs.ts";
import { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { ResolveItem, Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { candidate, each, startTestGateway } from "../testing.ts";
import { createRouteMemory } from "./route-memory.ts";

/** A memory, its clock, and a routing that answers when it is told to. */
function startMemory() {
  let nowMs = 0;
  const asked: PromiseWithResolvers<Route>[] = [];
  const memory = createRouteMemory(() => nowMs);
  const ask = () => {
    const answer = Promise.withResolvers<Route>();
    asked.push(answer);
    return answer.promise;
  };
  return {
    memory,
    asked,
    find: async (question = "q") => await memory.find(question, ask),
    pass: (ms: number) => {
      nowMs += ms;
    },
    answer: (index: number, sameForMs: number) => {
      const route = createRoute({ model: `answer ${index}`, sameForMs });
      asked[index]?.resolve(route);
      return route;
    },
  };
}

test("a route is remembered for the time that routing says, from the asking on, and by its question", async () => {
  const { find, pass, answer, asked } = startMemory();
  const first = find();
  pass(60);
  answer(0, 100);
  expect((await first).model).toBe("answer 0");
  pass(39);
  expect((await find()).model).toBe("answer 0");
  expect(Object.isFrozen(await find())).toBe(true);
  pass(1);
  const second = find();
  const other = find("another");
  answer(1, 100);
  answer(2, 100);
  expect([(await second).model, (await other).model]).toEqual(["answer 1", "answer 2"]);
  expect(asked).toHaveLength(3);
});

test("a route that is one request's alone is not remembered", async () => {
  const { find, answer, asked } = startMemory();
  for (const index of [0, 1]) {
    const found = find();
    answer(index, 0);
    expect((await found).model).toBe(`answer ${index}`);
  }
  expect(asked).toHaveLength(2);
});

test("one asks anew for all, unless its answer is its own, an error, or late", async () => {
  const { find, pass, answer, asked } = startMemory();
  const first = find();
  answer(0, 100);
  await first;
  pass(100);
  const together = [find(), find(), find()];
  answer(1, 100);
  expect((await Promise.all(together)).map(({ model }) => model)).toEqual(["answer 1", "answer 1", "answer 1"]);

  pass(100);
  const failing = find();
  const behind = find();
  const refused = expect(failing).rejects.toThrow("away");
  asked[2]?.reject(new Error("away"));
  await refused;
  answer(3, 100);
  expect((await behind).model).toBe("answer 3");

  pass(100);
  const slow = find();
  pass(100);
  const late = find();
  answer(5, 0);
  expect((await late).model).toBe("answer 5");
  const alone = find();
  answer(4, 100);
  answer(6, 0);
  expect([(await slow).model, (await alone).model]).toEqual(["answer 4", "answer 6"]);
});

test("a change of the configuration forgets what is known and what is being asked", async () => {
  const { memory, find, answer, asked } = startMemory();
  const first = find();
  answer(0, 100);
  await first;
  memory.forget();
  const second = find();
  memory.forget();
  answer(1, 100);
  await second;
  const third = find();
  answer(2, 100);
  expect((await third).model).toBe("answer 2");
  expect(asked).toHaveLength(3);
});

const unsampled = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00` };

test("who asks alike gets one route, whatever the length; other models, needs and recorded traces ask", async () => {
  const asked: ResolveItem[] = [];
  const resolve = each<ResolveItem, Route>((item) => {
    asked.push(item);
    // Long: how quickly the requests of this test come is not what it is about.
    return { model: item.model, candidates: [candidate], sameForMs: 3_600_000 };
  });
  await using gateway = await startTestGateway({ routing: { resolve } }, { trustTraceparent: true });
  const tool = { type: "function", function: { name: "f" } };
  const ask = async (more: object, headers: Record<string, string> = unsampled) => {
    const body = { model: "m", messages: [{ role: "user", content: "Hello" }], ...more };
    const response = await gateway.call("/v1/chat/completions", body, { headers });
    expect(await response.text()).toBe('{"ok":true}');
    return asked.length;
  };
  expect(await ask({})).toBe(1);
  expect(await ask({ max_tokens: 17, messages: [{ role: "user", content: "A longer text" }] })).toBe(1);
  expect(await ask({ model: "n" })).toBe(2);
  expect(await ask({ tools: [tool] })).toBe(3);
  expect(await ask({ tools: [tool] })).toBe(3);
  expect(await ask({ prompt_cache_key: "k" })).toBe(4);
  expect(await ask({ prompt_cache_key: "k" })).toBe(5);
  expect(await ask({}, {})).toBe(6);
  expect(asked.every(({ module }) => module === Module.CHAT)).toBe(true);
});
