import { expect, test } from "vitest";
import { withCustomTools } from "./custom-tools.ts";
import type { NeutralEvent } from "./events.ts";
import type { UpstreamExchange, WriteContext } from "./formats.ts";
import type { NeutralRequest } from "./request.ts";

const context: WriteContext = { upstreamModel: "m", stream: true, headers: {}, note: () => undefined };

/** A format that emits these steps, for a request with the tools `run` (free text) and `add` (a function). */
function exchange(steps: readonly NeutralEvent[]): UpstreamExchange {
  const wrapped = withCustomTools({
    write: () => ({ path: "", headers: {}, body: new Uint8Array() }),
    read: () => ({
      choices: [
        {
          parts: [
            { type: "tool_call", id: "a", name: "run", input: '{"input":"print(1)"}', custom: false },
            { type: "tool_call", id: "b", name: "add", input: '{"input":"x"}', custom: false },
            { type: "tool_call", id: "c", name: "run", input: "no JSON", custom: false },
          ],
          finish: "tool_calls",
        },
      ],
      usage: undefined,
      model: "m",
    }),
    stream: () => ({ isComplete: () => true, read: (_event, emit) => steps.forEach(emit) }),
  });
  const tools = [
    { kind: "custom", name: "run", at: "tools[0]" },
    { kind: "function", name: "add", at: "tools[1]" },
  ];
  wrapped.write({ tools } as unknown as NeutralRequest, context);
  return wrapped;
}

test("whole: calls of free-text tools become free text again, others stay", () => {
  const [choice] = exchange([]).read(Buffer.alloc(0)).choices;
  expect(choice?.parts).toMatchObject([
    { name: "run", custom: true, input: "print(1)" },
    { name: "add", custom: false, input: '{"input":"x"}' },
    { name: "run", custom: true, input: "no JSON" },
  ]);
});

test("streamed: the text comes in one piece at the call's end, in the order of the calls", () => {
  const call = (at: number, name: string): NeutralEvent => ({
    type: "tool_call",
    choice: 0,
    call: at,
    id: `c${at}`,
    name,
    custom: false,
  });
  const input = (at: number, text: string): NeutralEvent => ({ type: "tool_input", choice: 0, call: at, text });
  const finish: NeutralEvent = { type: "finish", choice: 0, reason: "tool_calls" };
  const seen: NeutralEvent[] = [];
  exchange([call(0, "run"), input(0, '{"inp'), input(0, 'ut":"a\\nb"}'), call(1, "add"), input(1, "{}"), finish])
    .stream()
    .read({ data: "" }, (step) => seen.push(step));
  expect(seen).toEqual([{ ...call(0, "run"), custom: true }, input(0, "a\nb"), call(1, "add"), input(1, "{}"), finish]);
});
