import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimateTextTokens } from "../../shared/estimate/text.ts";
import { answered, answerText, reservedTokens, type UsageFormat, usageFormats } from "./testing-usages.ts";

const ways = usageFormats.flatMap((format) =>
  format.dialects.flatMap((dialect) => [false, true].map((stream) => ({ format, dialect, stream, name: format.name }))),
);

/** Values that are no count. */
const noCounts: readonly unknown[] = [null, {}, [], "12", "", true, -5, 1.5, 2 ** 53, 9e15, 1e300];

/** A usage with each of its counts given, not there, or no count. */
function usageIn(format: UsageFormat): fc.Arbitrary<{ usage: object; counts: Record<string, number | undefined> }> {
  const count = fc.oneof(
    fc.integer({ min: 1, max: 9_999 }),
    fc.constant(0),
    fc.constantFrom(...noCounts),
    fc.constant(undefined),
  );
  const names = [format.input, format.output, format.cached, format.reasoning];
  return fc.tuple(count, count, count, count).map((values) => {
    const usage: Record<string, unknown> = { total_tokens: 77 };
    for (const [index, value] of values.entries()) setAt(usage, names[index] ?? "", value);
    const [input, output, cached, reasoning] = values.map((value) =>
      noCounts.includes(value) || value === undefined ? undefined : Number(value),
    );
    return { usage, counts: { input, output, cached, reasoning } };
  });
}

function setAt(usage: Record<string, unknown>, path: string, value: unknown): void {
  const [outer = "", inner] = path.split(".");
  if (value === undefined) return;
  usage[outer] = inner === undefined ? value : { [inner]: value };
}

describe.each(ways)("$name for $dialect, streamed: $stream", ({ format, dialect, stream }) => {
  const charge = (...usages: readonly unknown[]) => answered(format, dialect, stream, usages);

  test("whatever the usage, delivered text is charged, and counts that can be read hold exactly", () => {
    fc.assert(
      fc.property(usageIn(format), ({ usage, counts }) => {
        const known = charge(usage).usage;
        const input = known.inputTokens + known.cachedInputTokens + known.cacheWriteTokens;
        const output = known.outputTokens + known.reasoningTokens;
        expect(input).toBeGreaterThan(0n);
        expect(output).toBeGreaterThan(0n);
        if (counts.input) expect(format.inputIsFresh ? known.inputTokens : input).toBe(BigInt(counts.input));
        if (counts.output) expect(format.outputIsVisible ? known.outputTokens : output).toBe(BigInt(counts.output));
        if (counts.output && counts.reasoning !== undefined && format.outputIsVisible) {
          expect(known.reasoningTokens).toBe(BigInt(counts.reasoning));
        }
        if (counts.cached !== undefined && (format.inputIsFresh || counts.input === undefined)) {
          expect(known.cachedInputTokens).toBe(BigInt(counts.cached));
        }
        const isInputRead =
          counts.input !== undefined && counts.input + (format.inputIsFresh ? (counts.cached ?? 0) : 0) > 0;
        expect(known.estimated).toBe(!(isInputRead && counts.output));
      }),
      { numRuns: 60 },
    );
  });

  test.each([undefined, null, {}, [], "many", 12, { total_tokens: 500 }, { tokens: { in: 1, out: 2 } }])(
    "a usage of %j is estimated like none",
    (usage) => {
      const known = charge(usage).usage;
      expect(known).toEqual(charge(undefined).usage);
      // The input is what the reservation went by.
      expect(known).toMatchObject({
        inputTokens: BigInt(reservedTokens),
        outputTokens: BigInt(estimateTextTokens(answerText)),
        estimated: true,
      });
    },
  );

  test("the client is told what is charged, where we write it", () => {
    const usage: Record<string, unknown> = { [format.output]: null };
    setAt(usage, format.input, 31);
    const { usage: known, said } = charge(usage);
    const isWritten = format.name === "gemini" || !format.dialects.includes(dialect) || !isOwn(format, dialect);
    if (isWritten) expect(said).toContain(`_tokens":${known.outputTokens}`);
    expect(known).toMatchObject({ inputTokens: 31n, outputTokens: BigInt(estimateTextTokens(answerText)) });
  });
});

/** Whether the bytes of the usage go on as they came. */
function isOwn({ name }: UsageFormat, dialect: string): boolean {
  return (
    (name === "messages" && dialect === "anthropic.messages") ||
    (name === "responses" && dialect === "openai.responses")
  );
}

describe.each(ways.filter(({ stream, name }) => stream && name !== "responses"))(
  "a later usage of a stream adds to an earlier one: $name for $dialect",
  ({ format, dialect }) => {
    const full: Record<string, unknown> = {};
    setAt(full, format.input, 1_000);
    setAt(full, format.output, 50);
    setAt(full, format.cached, 900);
    setAt(full, format.reasoning, 20);
    const bare = { [format.input]: 1_000, [format.output]: 50 };
    const expected = answered(format, dialect, true, [full]).usage;
    const reasoningTokens = format.reasoning === "none" ? 0n : 20n;

    test.each([
      ["bare", bare],
      ["empty", {}],
      ["of nulls", { [format.input]: null, [format.output]: null }],
      ["of zeros", { [format.input]: 0, [format.output]: 0, [format.cached]: 0, [format.reasoning]: 0 }],
    ])("one that is %s takes nothing away", (_name, later) => {
      expect(answered(format, dialect, true, [full, later]).usage).toEqual(expected);
      expect(expected).toMatchObject({ cachedInputTokens: 900n, reasoningTokens, estimated: false });
    });
  },
);

test.each([null, "12", {}, -1])("Anthropic's count of the beginning does not stand for an end that says %j", (end) => {
  const format = usageFormats.find(({ name }) => name === "messages");
  if (format === undefined) throw new Error("no such format");
  const begun: UsageFormat = {
    ...format,
    stream: (usages) =>
      format.stream(usages).map((event) =>
        event.event === "message_start"
          ? {
              ...event,
              data: { type: "message_start", message: { id: "x", usage: { input_tokens: 25, output_tokens: 1 } } },
            }
          : event,
      ),
  };
  for (const dialect of format.dialects) {
    const known = answered(begun, dialect, true, [{ output_tokens: end }]).usage;
    const outputTokens = BigInt(estimateTextTokens(answerText));
    expect(known).toMatchObject({ inputTokens: 25n, outputTokens, estimated: true });
    expect(answered(begun, dialect, true, [{ output_tokens: 9 }]).usage).toMatchObject({
      inputTokens: 25n,
      outputTokens: 9n,
      estimated: false,
    });
  }
});
