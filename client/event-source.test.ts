import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { type Fetch, FetchEventSource, type StreamEventLike } from "./event-source.ts";
import { createEventReader, type ServerSentEvent } from "./sse.ts";

const text =
  'event: connected\ndata: {}\n\n: quiet\n\ndata: {"a":1}\nid: 7\n\n\ndata: two\ndata: lines\n\nevent: return\ndata: \n\n';

function eventsOf(pieces: readonly string[]): ServerSentEvent[] {
  const events: ServerSentEvent[] = [];
  const reader = createEventReader((event) => events.push(event));
  for (const piece of pieces) reader.feed(piece);
  return events;
}

test("events are the same however their text is cut", () => {
  const whole = eventsOf([text]);
  expect(whole).toEqual([
    { event: "connected", data: "{}", lastEventId: "" },
    { event: "message", data: '{"a":1}', lastEventId: "7" },
    { event: "message", data: "two\nlines", lastEventId: "7" },
    { event: "return", data: "", lastEventId: "7" },
  ]);
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: text.length - 1 }));
  fc.assert(
    fc.property(cuts, (given) => {
      const at = [0, ...given.sort((one, other) => one - other), text.length];
      expect(eventsOf(at.slice(1).map((end, index) => text.slice(at[index], end)))).toEqual(whole);
    }),
  );
});

/** A source whose server answers with these texts, one a connection. */
function open(reconnects: boolean, answers: readonly (string | number)[]) {
  const asked: { url: string; body: string | undefined; after: string | undefined }[] = [];
  const told: StreamEventLike[] = [];
  const fetch: Fetch = async (url, init) => {
    const answer = answers[asked.length] ?? "";
    asked.push({ url, body: init?.body, after: init?.headers["last-event-id"] });
    if (typeof answer === "number") {
      return new Response(JSON.stringify({ error: { code: -32_003, message: "no" } }), { status: answer });
    }
    return new Response(answer);
  };
  const url = `http://gateway/trpc/requests.tail?input=${encodeURIComponent('{"filter":{}}')}`;
  const source = new FetchEventSource(url, { headers: async () => ({}), fetch, reconnects });
  for (const type of ["message", "error", "serialized-error"])
    source.addEventListener(type, (event) => told.push(event));
  return { source, asked, told };
}

test("a connection that broke is opened again from its last event on, where that costs nothing", async () => {
  vi.useFakeTimers();
  const { source, asked, told } = open(true, ["data: 1\nid: 5\n\n", "data: 2\nid: 6\n\n"]);
  await vi.waitFor(() => expect(told.map(({ type }) => type)).toEqual(["message", "error"]));
  expect(source.readyState).toBe(source.CONNECTING);
  await vi.advanceTimersByTimeAsync(1_000);
  await vi.waitFor(() => expect(told.map(({ type }) => type)).toEqual(["message", "error", "message", "error"]));
  source.close();
  vi.useRealTimers();
  const url = "http://gateway/trpc/requests.tail";
  expect(asked.slice(0, 2)).toEqual([
    { url, body: '{"filter":{}}', after: undefined },
    { url, body: '{"filter":{}}', after: "5" },
  ]);
});

test("it is not where it would be paid again, and a refusal is told as the stream would tell it", async () => {
  const broken = open(false, ["data: 1\nid: 5\n\n"]);
  await vi.waitFor(() => expect(broken.told.map(({ type }) => type)).toEqual(["message", "error"]));
  expect([broken.source.readyState, broken.asked.length]).toEqual([broken.source.CLOSED, 1]);
  const refused = open(false, [403]);
  await vi.waitFor(() => expect(refused.told.map(({ type }) => type)).toEqual(["serialized-error", "error"]));
  expect(JSON.parse(refused.told[0]?.data ?? "")).toEqual({ code: -32_003, message: "no" });
});
