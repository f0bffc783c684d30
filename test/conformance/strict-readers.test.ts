import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adapters } from "../../services/provider-adapter/adapters/registry.ts";
import type { Exchange } from "../../services/provider-adapter/domain/exchange.ts";
import { createEventFeed } from "../../services/provider-adapter/wire/event-feed.ts";
import { type Reader, readers } from "./strict-readers.ts";
import { type Given, given, type Upstream, upstreams } from "./upstream-answers/index.ts";

/*
 * Whatever spelling of "nothing" an upstream uses, an answer of every dialect passes the schemas of its strictest clients,
 * and says to them what the upstream said.
 */

const moments = { sentUs: 1_000, firstByteUs: 2_000, firstContentUs: 3_000, lastByteUs: 4_000, nowUs: 5_000 };

function exchangeOf(
  dialect: string,
  { adapter, flavour, model }: Upstream,
  body: Uint8Array,
  stream: boolean,
): Exchange {
  const make = adapters[adapter]?.open(flavour).exchanges[dialect];
  if (make === undefined) throw new Error(`${adapter} does not serve ${dialect}`);
  const includeUsage = true;
  const about = { requestId: 7n, model: "m", upstreamModel: model, control: "", createdUnixS: 1_790_000_000 };
  return make({ ...about, body, stream, includeUsage, headers: {}, keepResponse: true, estimatedInputTokens: 9 });
}

/** Answers as the platform does: what the client sent goes through the translation, the upstream's bytes come back through it. */
function answering(dialect: string, upstream: Upstream, bytes: string | Uint8Array): typeof globalThis.fetch {
  return async (_url, init) => {
    const body = Buffer.from(String(init?.body));
    const stream = (JSON.parse(body.toString()) as { stream?: boolean }).stream === true;
    const exchange = exchangeOf(dialect, upstream, body, stream);
    if (!stream)
      return Response.json(JSON.parse(Buffer.from(exchange.whole(Buffer.from(bytes), moments).body).toString()));
    const translation = exchange.stream();
    let text = "";
    const feed = (exchange.framing?.feed ?? createEventFeed)((event) => {
      text += translation.event(event);
    });
    feed.feed(Buffer.from(bytes));
    feed.end();
    text += translation.end(moments);
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  };
}

/** What is to be heard. A filtered answer may have words of its own in place of a text. */
function expectHeard(heard: Awaited<ReturnType<Reader["whole"]>>, { text, calls, finish }: Given): void {
  if (finish !== "filtered") expect(heard.text).toBe(text);
  expect(heard.calls).toEqual(calls);
}

const pairs = readers.flatMap((reader) =>
  Object.entries(upstreams).map(([name, upstream]) => ({ client: reader.name, name, reader, upstream })),
);

describe.each(pairs)("$client over an upstream that speaks $name", ({ reader, upstream }) => {
  test("reads a whole answer", async () => {
    await fc.assert(
      fc.asyncProperty(given, fc.gen(), async (answer, choose) => {
        const bytes = upstream.whole(answer, choose);
        expectHeard(await reader.whole(answering(reader.dialect, upstream, bytes)), answer);
      }),
      { numRuns: 40 },
    );
  });

  test("reads a stream", async () => {
    await fc.assert(
      fc.asyncProperty(given, fc.gen(), async (answer, choose) => {
        const bytes = upstream.streamed(answer, choose);
        expectHeard(await reader.streamed(answering(reader.dialect, upstream, bytes)), answer);
      }),
      { numRuns: 40 },
    );
  });
});
