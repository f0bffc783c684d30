import fc from "fast-check";
import { expect, test } from "vitest";
import { redacted, scrub, scrubJson } from "./scrub.ts";

test.each([
  ["Incorrect API key provided: sk-proj-abc123DEF456.", `Incorrect API key provided: ${redacted}.`],
  ["authorization was Bearer eyJhbGciOi.eyJzdWIi-_x", `authorization was ${redacted}`],
  ["Basic dXNlcjpwYXNz for", `${redacted} for`],
  ["connect postgres://tl:hunter2@db:5432/x", `connect postgres://tl:${redacted}@db:5432/x`],
  ["GET https://host/v1?alt=sse&key=AbCdEf123456&x=1", `GET https://host/v1?alt=sse&key=${redacted}&x=1`],
  ["gsk_abcdefgh12345678", redacted],
  ["token ya29.a0AfB_byC-dEf and ABSKQmVkcm9ja0FQSUtleS1hYmNk", `token ${redacted} and ${redacted}`],
])("%s", (text, clean) => {
  expect(scrub(text)).toBe(clean);
});

test.each([
  "request 767212140985061376 took 12 ms",
  "POST /v1/chat/completions 200 https://host:8080/path",
  "the task-runner asked the disk-cache",
  "a basic fact; the bearer of news",
])("leaves alone: %s", (text) => {
  expect(scrub(text)).toBe(text);
});

const secretNames = [
  "authorization",
  "Authorization",
  "x-api-key",
  "x-goog-api-key",
  "apiKey",
  "api_key",
  "upstreamApiKey",
  "password",
  "credential",
  "cookie",
  "private_key",
  "SecretAccessKey",
  "SessionToken",
  "x-amz-security-token",
];
const odd = fc.string({ unit: fc.constantFrom(...'ab\\"\n:,{}[]/@?&= ', "é", "sk-abcdefghijk"), maxLength: 30 });
const benign = fc.oneof(odd, fc.integer(), fc.boolean(), fc.array(odd, { maxLength: 3 }));

test("scrubbed JSON stays JSON of the same shape, and no secret field survives at any depth", () => {
  const secret = fc.string({ unit: fc.constantFrom(...'abcXYZ019+/._ \\"é'), minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      fc.constantFrom(...secretNames),
      secret,
      benign,
      benign,
      fc.integer({ min: 0, max: 3 }),
      (name, value, a, b, depth) => {
        let nested: unknown = { before: a, [name]: `S3CRET${value}`, after: b };
        for (let level = 0; level < depth; level++) nested = level % 2 === 0 ? { headers: nested } : [nested];
        const line = `${JSON.stringify({ level: "info", nested })}\n`;
        const clean = scrubJson(line);
        expect(clean).not.toContain("S3CRET");
        expect(shapeOf(JSON.parse(clean))).toEqual(shapeOf(JSON.parse(line)));
      },
    ),
  );
});

test("secret fields go also from lists of values and from JSON quoted into a string", () => {
  const body = JSON.stringify({ "x-api-key": "plain words", keep: 1 });
  const clean = JSON.parse(scrubJson(JSON.stringify({ headers: { cookie: ["a=1", "b=2"] }, body })));
  expect(clean).toEqual({ headers: { cookie: redacted }, body: JSON.stringify({ "x-api-key": redacted, keep: 1 }) });
});

test("whatever strings hold, also pieces of quoted and cut JSON, the line stays JSON of the same shape", () => {
  const pieces = fc.constantFrom(
    '"password":"',
    '\\"password\\":\\"',
    '"cookie":["',
    '"',
    "\\",
    "]",
    "a",
    "\n",
    '","',
    ":",
    "sk-abcdefghijk",
    "://u:pw@h",
  );
  const piecewise = fc.array(pieces, { maxLength: 12 }).map((list) => list.join(""));
  const value = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      piecewise,
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "note", "b]"), tie("value"), { maxKeys: 3 }),
      piecewise.map((text) => JSON.stringify({ text, password: text })),
    ),
  })).value;
  fc.assert(
    fc.property(value, (any) => {
      const line = JSON.stringify({ any, end: 1 });
      expect(shapeOf(JSON.parse(scrubJson(line)))).toEqual(shapeOf(JSON.parse(line)));
    }),
    { numRuns: 2000 },
  );
});

test("a secret goes from quoted JSON with quotes inside it, and from quoted JSON that was cut", () => {
  const inner = JSON.stringify({ password: 'a"S3CRET"b', keep: "yes" });
  expect(JSON.parse(scrubJson(JSON.stringify({ inner }))).inner).toBe(
    JSON.stringify({ password: redacted, keep: "yes" }),
  );
  const cut = JSON.stringify({ cut: '{"password":"S3CRET', next: 'said "hi"' });
  expect(JSON.parse(scrubJson(cut))).toEqual({ cut: `{"password":"${redacted}"`, next: 'said "hi"' });
  const twice = JSON.stringify({ twice: JSON.stringify({ inner }) });
  expect(scrubJson(twice)).not.toContain("S3CRET");
});

test("a line of backslashes, or of what secrets begin with, costs no more than another of its length", () => {
  // 50 ms in all; a pattern that begins anew at each backslash took 45 s for the first line alone.
  const begun = performance.now();
  for (const text of ["\\", '\\"', '\\\\"password', '{"api_key":"', "Basic ", "://a:", "tl-a", '"cookie":['])
    scrubJson(JSON.stringify({ text: text.repeat(65_536 / text.length) }));
  expect(performance.now() - begun).toBeLessThan(5_000);
});

/** The keys of a value, with what is not an object or list left out. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return "leaf";
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}
