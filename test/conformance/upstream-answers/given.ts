import fc from "fast-check";

/*
 * Answers of upstreams as they may come: the same content in each wire format, whole and streamed, around it every spelling
 * of "nothing" that vendors use - a field that is absent, null, empty.
 */

/** What an answer says. */
export interface Given {
  readonly thinking: string;
  readonly text: string;
  /** Sources of the text; only upstreams that search have any. */
  readonly cites: boolean;
  readonly calls: readonly { readonly name: string; readonly input: Readonly<Record<string, unknown>> }[];
  readonly finish: "stop" | "length" | "filtered";
}

const words = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" });
const input = fc.dictionary(fc.constantFrom("city", "days", "note"), fc.oneof(words, fc.integer(), fc.boolean()), {
  maxKeys: 3,
});

/** Any answer. */
export const given: fc.Arbitrary<Given> = fc
  .record({
    thinking: fc.oneof(fc.constant(""), words),
    text: fc.oneof(fc.constant(""), words),
    cites: fc.boolean(),
    calls: fc.array(fc.record({ name: fc.constantFrom("weather", "search"), input }), { maxLength: 2 }),
    finish: fc.constantFrom<Given["finish"]>("stop", "length", "filtered"),
  })
  .filter(({ text, thinking, calls }) => text !== "" || thinking !== "" || calls.length > 0)
  .map((answer) => ({
    ...answer,
    cites: answer.cites && answer.text !== "",
    // An answer that was filtered or cut short calls nothing.
    finish: answer.calls.length > 0 ? "stop" : answer.finish,
  }));

/** A source of choices within a property. */
export type Choose = fc.GeneratorValue;

const absent = Symbol("absent");

/** A field that is absent, or has one of these values. */
export function odd(choose: Choose, name: string, ...values: readonly unknown[]): Record<string, unknown> {
  const value: unknown = choose(fc.constantFrom, absent, ...values);
  return value === absent ? {} : { [name]: value };
}

/** An upstream's bytes. */
export interface Upstream {
  readonly adapter: string;
  readonly flavour: string;
  readonly model: string;
  whole(answer: Given, choose: Choose): string;
  streamed(answer: Given, choose: Choose): string | Uint8Array;
}

/** An event of a stream that has no name. */
export const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
/** An event of a stream by the name of its type. */
export const named = (event: { readonly type: string }): string => `event: ${event.type}\n${data(event)}`;
/** The source that answers cite. */
export const url = "https://example.com/a";
