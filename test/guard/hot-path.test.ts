import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { expectAtMost, expectBodyWalks, expectExactly, metricValues, ours } from "./counted.ts";
import { type House, startHouse } from "./house.ts";
import type { LaneMessage } from "./lane-messages.ts";
import { ask, askForStream, bodyOf, upstreamAnswer } from "./requests.ts";
import { type Seen, see, tally } from "./seen.ts";
import { openStreams } from "./streams.ts";

/*
 * What a chat request costs, counted and not timed, so that a regression of the hot path fails on any machine. The whole
 * platform runs in this process, over gRPC and a real PostgreSQL; its upstream speaks the client's dialect, and it has
 * served before: connections are open, statements prepared, the key, prices and names remembered.
 *
 * A change that lowers a count lowers it here too. One that raises a count says in its commit what that buys.
 */

/** The calls of a request: the five steps of gateway/story/story.ts. The key is remembered, so nobody authenticates. */
const calls = {
  "Routing.Resolve": 1,
  "Billing.Reserve": 1,
  "Provider.Invoke": 1,
  "Billing.Settle": 1,
  "History.Record": 1,
};
/** Statements of a batch, of whatever size: the credit that is held, the charge, the record. Each is durable by itself. */
const statementsOfOne = { billing_reserve_one: 1, billing_settle: 1, "history.put_records": 1 };
const statementsOfMany = { billing_reserve_plain: 1, billing_settle: 1, "history.put_records": 1 };
/** Messages for a batch of calls: one there, one back. The last frame of an answer travels with its outcome. */
const messages = {
  ...{ "Resolve to server": 1, "Resolve to client": 1, "Reserve to server": 1, "Reserve to client": 1 },
  ...{ "Invoke to server": 1, "Invoke to client": 1, "Settle to server": 1, "Settle to client": 1 },
  ...{ "Record to server": 1, "Record to client": 1 },
};
/** Spans of a request: its root, one for each call that is served, its attempt at the upstream, and its three statements. */
const spans = {
  "POST /v1/chat/completions": 1,
  "throughline.routing.v1.RoutingService/Resolve": 1,
  "throughline.billing.v1.BillingService/Reserve": 1,
  "throughline.provider.v1.ProviderService/Invoke": 1,
  "chat gpt-4o-mini": 1,
  "throughline.billing.v1.BillingService/Settle": 1,
  "throughline.history.v1.HistoryService/Record": 1,
  ...{ "SELECT billing.reserve_one": 1, "SELECT billing.settle": 1, "SELECT history.put_records": 1 },
};
/** The line that says how a request ended. */
const linesOfLog = 1;
/** Head and body of an answer are one write, as are head and body of the request that goes upstream. */
const writesOfRequest = { client: 1, upstream: 1, postgres: 3 };

/** What our own code does for a request that is answered whole. */
const whole = {
  /** The edge parses the body for its schema (gateway/edge/edge.ts); it travels on as bytes. */
  bodyParsed: 1,
  /** The adapter reads usage out of the answer, completes it and writes it anew (dialects/openai-chat/passthrough.ts). */
  answerParsed: 1,
  answerWritten: 1,
  otherParsed: 0,
  /** The upstream's model for the body; the line of the log. Tariffs, shapes and outcomes that come again are known, over the wire too. */
  otherWritten: 2,
  /** The upstream's answer came in one piece. The body needs no change here, so it is not copied. */
  concats: 0,
  /** The answer, encoded. */
  encoded: 1,
  /** Walks over the body: to change what must be. A field that is not there is looked for by a search. */
  bodyWalks: 1,
  /** The labels of a metric's value are not written as text (shared/telemetry/tallies.ts). */
  metricValues: 0,
  abortControllers: 0,
  /** Close of the response (two), error of the database's connection (three), the compressor (two). */
  listeners: 7,
} as const;

/** Pieces in which the upstream sends a stream; each comes when the client has the one before. */
const pieces = 100;
/** What our own code does for a request that is answered as such a stream. */
const stream = {
  bodyParsed: 1,
  /** The first chunk, which says the upstream's ID, and the one with the usage. All others only have their ID replaced. */
  chunksParsed: 2,
  /** Where history keeps the answer, all but the one with the usage are read once more, together, to become one document. */
  chunksParsedToKeep: 2,
  /** The first chunk. */
  chunksWritten: 1,
  /** Every piece as it comes, then `[DONE]`. */
  frames: pieces + 1,
  /** The last frame travels with `[DONE]` and the outcome. */
  framesMessages: pieces + 1,
  /** The end of the body goes with the last frame. */
  clientWrites: pieces + 1,
  /** What is put into the body; the document. Frames are written into shared blocks, and none is copied to wait for its reader. */
  encoded: 2,
  /** The body gets `stream_options`. */
  concats: 1,
  /** As above, and one for `stream_options`. */
  bodyWalks: 2,
  metricValues: 0,
  abortControllers: 0,
  /** As above. */
  listeners: 7,
} as const;

/** Requests that come together. */
const together = 64;
/**
 * Timers of our own for all of them, beside one for each statement: settlements and records linger a few milliseconds for others, once a batch; deadlines
 * and watches share theirs, and one may fall due at any time. One a request would be 64.
 */
const timersTogether = 8;

/** Streams that write in the same tick. */
const streamsTogether = 16;

const wire = vi.hoisted(() => ({ messages: [] as LaneMessage[] }));
vi.mock(import("../../shared/rpc/encode.ts"), async (load) => {
  const { watchedEncoders } = await import("./lane-messages.ts");
  return watchedEncoders(await load(), (message) => wire.messages.push(message));
});

let house: House;
beforeAll(async () => {
  house = await startHouse(upstreamAnswer);
  await house.until(1, () => ask(house, bodyOf(1, false)));
  await house.until(together, askTogether);
  await house.until(1, () => askForStream(house, bodyOf(1, true), 2, "forgetting"));
}, 60_000);
afterAll(() => house?.[Symbol.asyncDispose]());

const nameOf = ({ lane, to }: LaneMessage) => `${lane} to ${to}`;

const seeOne = (work: () => Promise<void>) => see(house, wire.messages, 1, work);

/** Sends all at once; at each step the gateway's calls go on when all have come to it, and so in one tick. */
async function askTogether(): Promise<void> {
  house.gate.hold(together);
  await Promise.all(Array.from({ length: together }, () => ask(house, bodyOf(1, false))));
  house.gate.hold(1);
}

describe("a request that is answered whole", () => {
  let seen: Seen;
  beforeAll(async () => {
    seen = await seeOne(() => ask(house, bodyOf(1, false)));
  });

  test("takes one call of each step, and no other", () => {
    expect(seen.taken, "calls that the services took").toEqual(calls);
  });

  test("takes three statements", () => expect(seen.statements, "statements").toEqual(statementsOfOne));

  test("takes a message there and one back on each lane", () => {
    expect(tally(seen.messages.map(nameOf)), "messages of lanes").toEqual(messages);
  });

  test("is one write to client and upstream, and one for each statement", () => {
    expect(seen.writes, "writes to sockets").toEqual(writesOfRequest);
  });

  test("leaves one line in the log and a span for each step", () => {
    expect(seen.lines, "lines of the log").toBe(linesOfLog);
    expect(seen.spans, "spans").toEqual(spans);
  });

  test("has its body parsed once, at the edge, and never written anew", () => {
    expectExactly("JSON.parse of the client's body", ours(seen, "JSON.parse", "body"), whole.bodyParsed);
    expectAtMost("JSON.stringify of the client's body", ours(seen, "JSON.stringify", "body"), 0);
  });

  test("has its answer parsed and written once, and little other JSON", () => {
    expectAtMost("JSON.parse of the upstream's answer", ours(seen, "JSON.parse", "answer"), whole.answerParsed);
    expectAtMost("JSON.stringify of the answer", ours(seen, "JSON.stringify", "answer"), whole.answerWritten);
    expectAtMost("JSON.parse of other texts", ours(seen, "JSON.parse", "other"), whole.otherParsed);
    expectAtMost("JSON.stringify of other values", ours(seen, "JSON.stringify", "other"), whole.otherWritten);
  });

  test("copies and allocates no more than it must", () => {
    expectAtMost("Buffer.concat", ours(seen, "Buffer.concat"), whole.concats);
    expectAtMost("Buffer.from a text or bytes", ours(seen, "Buffer.from"), whole.encoded);
    expectAtMost("new AbortController", ours(seen, "AbortController"), whole.abortControllers);
    expectAtMost("listeners added", ours(seen, "listener"), whole.listeners);
    expectAtMost("values of metrics", metricValues(seen), whole.metricValues);
  });

  test("has its body walked a few times, however long it is", async () => {
    await expectBodyWalks(whole.bodyWalks, (messages) => seeOne(() => ask(house, bodyOf(messages, false))));
  });
});

describe("a request that is answered as a stream", () => {
  let seen: Seen;
  let keeping: Seen;
  beforeAll(async () => {
    seen = await seeOne(() => askForStream(house, bodyOf(1, true), pieces, "forgetting"));
    keeping = await seeOne(() => askForStream(house, bodyOf(1, true), pieces, "keeping"));
  });

  test("takes the calls and statements of any other", () => {
    expect(seen.taken, "calls that the services took").toEqual(calls);
    expect(seen.statements, "statements").toEqual(statementsOfOne);
  });

  test("passes a piece on as one frame, in one message, in one write", () => {
    const answers = seen.messages.filter((message) => nameOf(message) === "Invoke to client");
    const frames = answers.reduce((sum, message) => sum + message.frames, 0);
    expect(frames, "frames").toBeLessThanOrEqual(stream.frames);
    expect(answers.length, "messages that carry frames").toBeLessThanOrEqual(stream.framesMessages);
    expect(seen.writes.client, "writes to the client").toBeLessThanOrEqual(stream.clientWrites);
  });

  test("has only those chunks parsed that hold something to change", () => {
    expectAtMost("JSON.parse of chunks", ours(seen, "JSON.parse", "chunk"), stream.chunksParsed);
    expectAtMost("JSON.stringify of chunks", ours(seen, "JSON.stringify", "chunk"), stream.chunksWritten);
    const kept = ours(keeping, "JSON.parse", "chunk");
    expectAtMost("JSON.parse of chunks of a kept answer", kept, stream.chunksParsed + stream.chunksParsedToKeep);
  });

  test("has its body parsed once, at the edge, and never written anew", () => {
    expectExactly("JSON.parse of the client's body", ours(seen, "JSON.parse", "body"), stream.bodyParsed);
    expectAtMost("JSON.stringify of the client's body", ours(seen, "JSON.stringify", "body"), 0);
  });

  test("copies and allocates no more than it must", () => {
    expectAtMost("Buffer.concat", ours(keeping, "Buffer.concat"), stream.concats);
    expectAtMost("Buffer.from a text or bytes", ours(keeping, "Buffer.from"), stream.encoded);
    expectAtMost("new AbortController", ours(keeping, "AbortController"), stream.abortControllers);
    expectAtMost("listeners added", ours(keeping, "listener"), stream.listeners);
    expectAtMost("values of metrics", metricValues(keeping), stream.metricValues);
  });

  test("has its body walked a few times, however long it is", async () => {
    await expectBodyWalks(stream.bodyWalks, (messages) =>
      seeOne(() => askForStream(house, bodyOf(messages, true), 2, "forgetting")),
    );
  });
});

describe(`${together} requests that come together`, () => {
  let seen: Seen;
  beforeAll(async () => {
    seen = await see(house, wire.messages, together, askTogether);
  });

  test("take three statements in all", () => expect(seen.statements, "statements").toEqual(statementsOfMany));

  test("take a message there and one back on each lane, but for answers, which come when the upstream gives them", () => {
    const answers = seen.messages.filter((message) => nameOf(message) === "Invoke to client");
    const others = seen.messages.filter((message) => !answers.includes(message));
    const { "Invoke to client": _, ...expected } = messages;
    expect(tally(others.map(nameOf)), "messages of lanes").toEqual(expected);
    expect(new Set(others.map(({ entries }) => entries)), "calls in a message").toEqual(new Set([together]));
    expect(answers.length, "messages with answers").toBeLessThanOrEqual(together);
  });

  test("share their timers", () => expectAtMost("timers of our own", ours(seen, "timer"), timersTogether));

  test("are a write each to client and upstream, and share those to the database", () => {
    const { client, upstream, postgres } = writesOfRequest;
    expect(seen.writes, "writes to sockets").toEqual({
      client: client * together,
      upstream: upstream * together,
      postgres,
    });
  });
});

test("one key is authenticated once for many requests", () => {
  const authenticated = house.taken.filter((call) => call === "Billing.Authenticate");
  // The first request of each of the two keys.
  expect(authenticated.length, "Billing.Authenticate").toBe(2);
});

test("frames of streams that share a tick share a message", async () => {
  await using streams = await openStreams(streamsTogether);
  const before = wire.messages.length;
  for (let turn = 0; turn < pieces; turn += 1) await streams.turn();
  const carriers = wire.messages.slice(before).filter(({ frames }) => frames > 0);
  expect(
    carriers.map(({ frames }) => frames),
    "frames of each message",
  ).toEqual(Array(pieces).fill(streamsTogether));
});
