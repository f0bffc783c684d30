import fc from "fast-check";
import { expect, test } from "vitest";
import { administer, adminKey, expectSoundBooks, openCustomer } from "./administration.ts";
import { startDeployment } from "./deployment.ts";

/*
 * A thousand requests over all modules together, against an upstream that misbehaves in every way: each is answered or refused with its
 * ID, and the books are sound: the audit reckons each charge anew from its usage and prices.
 */

const requests = 1_000;
const together = 20;
const behaviours = fc.constantFrom(
  ...["plain", "plain", "plain", "no-usage", "cached-50", "flaky-50", "drop-stream", "drop-headers", "status-429"],
  ...["status-500", "error-in-200", "malformed-chunk", "empty", "slow-chunks-2", "tokens-0", "split-bytes"],
);
const words = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
const picture = new Blob([Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(300)])]);
const texts = fc.array(words, { minLength: 1, maxLength: 5 });

/** One endpoint of each module, and what may be asked of it. */
const asked: readonly (readonly [path: string, body: (model: string) => fc.Arbitrary<object>])[] = [
  [
    "/v1/chat/completions",
    (model) =>
      fc.record({ content: words, stream: fc.boolean() }).map(({ content, stream }) => ({
        model,
        stream,
        messages: [{ role: "user", content }],
      })),
  ],
  [
    "/v1/embeddings",
    (model) =>
      fc.record({
        model: fc.constant(`embeddings/${model}`),
        input: fc.oneof(words, texts, fc.array(fc.nat(50_000), { minLength: 1, maxLength: 9 })),
        encoding_format: fc.constantFrom("float", "base64"),
      }),
  ],
  [
    "/v1/moderations",
    (model) => fc.record({ model: fc.constant(`moderation/${model}`), input: fc.oneof(words, texts) }),
  ],
  ["/v2/rerank", (model) => fc.record({ model: fc.constant(`rerank/${model}`), query: words, documents: texts })],
  [
    "/v1/audio/speech",
    (model) =>
      fc.record({
        model: fc.constant(`speech/${model}`),
        input: words,
        voice: fc.constant("alloy"),
        response_format: fc.constantFrom("mp3", "wav", "pcm"),
        stream_format: fc.constantFrom("audio", "sse"),
      }),
  ],
  [
    "/v1/images/generations",
    (model) =>
      fc.record({
        model: fc.constant(`image/${model}`),
        prompt: words,
        n: fc.constantFrom(1, 2),
        quality: fc.constantFrom("auto", "low", "high"),
        response_format: fc.constantFrom("url", "b64_json"),
        stream: fc.boolean(),
        partial_images: fc.constantFrom(0, 2),
      }),
  ],
  [
    "/v1/images/edits",
    (model) =>
      fc.record({ images: fc.integer({ min: 1, max: 3 }), prompt: words, stream: fc.boolean() }).map((given) => {
        const form = new FormData();
        for (let count = 0; count < given.images; count += 1) form.append("image[]", picture, "picture.png");
        form.append("prompt", given.prompt);
        form.append("stream", String(given.stream));
        form.append("model", `image/${model}`);
        return form;
      }),
  ],
  [
    "/v1/audio/transcriptions",
    (model) =>
      fc
        .record({
          bytes: fc.integer({ min: 1, max: 30_000 }),
          format: fc.constantFrom("json", "text", "srt", "verbose_json", "vtt"),
          stream: fc.boolean(),
        })
        .map(({ bytes, format, stream }) => {
          const form = new FormData();
          form.append("file", new Blob([Buffer.alloc(bytes, "audio of no format. ")]), "speech.mp3");
          form.append("response_format", format);
          form.append("stream", String(stream));
          form.append("model", `audio/${model}`);
          return form;
        }),
  ],
];

const anyRequest = fc
  .tuple(fc.constantFrom(...asked), behaviours)
  .chain(([[path, body], behaviour]) => body(`sim-${behaviour}`).map((given) => ({ path, body: given })));

test("a thousand requests over all modules leave sound books", async () => {
  await using house = await startDeployment("up", { THROUGHLINE_ADMIN_KEY: adminKey, LOG_LEVEL: "warn" });
  const customer = await openCustomer(administer(house), { creditUsd: "1000" });
  const statuses = new Map<string, number>();
  const ids = new Set<string>();
  const all = fc.sample(anyRequest, { numRuns: requests, seed: 7 });
  for (let at = 0; at < all.length; at += together) {
    await Promise.all(
      all.slice(at, at + together).map(async ({ path, body }) => {
        const response = await fetch(house.url + path, {
          method: "POST",
          headers: {
            ...(body instanceof FormData ? {} : { "content-type": "application/json" }),
            ...customer.headers,
          },
          body: body instanceof FormData ? body : JSON.stringify(body),
        });
        const id = response.headers.get("x-request-id") ?? "";
        expect(id).toMatch(/^\d+$/);
        ids.add(id);
        // One that breaks off is as good an end as any.
        const said = await response.text().catch(() => "");
        if (response.status !== 200) expect(said).toContain(id);
        const outcome = `${path} ${response.status === 200 ? "answered" : "refused"}`;
        statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
      }),
    );
  }
  expect(ids.size).toBe(requests);
  for (const [path] of asked) {
    expect(statuses.get(`${path} answered`), path).toBeGreaterThan(50);
    expect(statuses.get(`${path} refused`), path).toBeGreaterThan(20);
  }
  await expectSoundBooks(house);
  expect(house.logs.filter(({ level }) => level === "error")).toEqual([]);
}, 120_000);
