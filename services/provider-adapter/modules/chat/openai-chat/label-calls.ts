import type { OpenaiFlavour } from "../../../domain/flavour.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { newCallId } from "../neutral/fit-labels.ts";
import { type CallReader, type CallStep, createCallReader, namelessCall } from "./read-calls.ts";

const mark = '"tool_calls"';

/** What all pieces of a call but the first look like at OpenAI and those that follow it closely. */
const usualPiece =
  /"choices":\s?\[\{"index":\s?(\d+),\s?"delta":\s?\{(?:"role":\s?"assistant",\s?)?(?:"content":\s?null,\s?)?"tool_calls":\s?\[\{"index":\s?(\d+),\s?(?:"type":\s?"function",\s?)?"function":\s?\{"arguments":\s?"/;
/** What such a piece does not have behind its arguments. Inside of a text the quotes of a name stand behind backslashes. */
const otherLabels = ['"id"', '"name"', '"index"'] as const;

/** Gives the calls of an answer that is passed on labels which hold for all of it. */
export interface CallLabels {
  /** Whether the calls of a chunk may stay as they are written. It is searched, not parsed. */
  areRight(data: string): boolean;
  /**
   * A choice of a chunk, or of a whole answer, with its calls labelled anew. A call without a name is held back until it
   * has one. Throws where it never gets one.
   */
  label(choice: JsonObject): JsonObject;
}

/** Begins to label the calls of an answer. `nameOf`: the client's name of a tool that the upstream calls so. */
export function createCallLabels(flavour: OpenaiFlavour, nameOf: (name: string) => string): CallLabels {
  const readers = new Map<number, CallReader>();

  function readerOf(choice: number): CallReader {
    let reader = readers.get(choice);
    if (reader === undefined) {
      reader = createCallReader(newCallId);
      readers.set(choice, reader);
    }
    return reader;
  }

  function labelled(raw: JsonObject, step: CallStep, isPiece: boolean): JsonObject {
    const { begins, number, id, custom, text } = step;
    const { index: _index, id: _id, ...rest } = raw;
    const kind = custom ? "custom" : "function";
    const { name: _name, ...given } = asObject(raw[kind]) ?? {};
    const input = custom ? { input: text } : { arguments: text };
    return {
      ...(isPiece ? { index: number } : {}),
      ...(begins ? { id, type: kind } : {}),
      ...rest,
      [kind]: { ...(begins ? { name: nameOf(step.name) } : {}), ...given, ...input },
    };
  }

  return {
    areRight(data) {
      if (!data.includes(mark)) return true;
      const found = usualPiece.exec(data);
      if (found === null) return false;
      const end = found.index + found[0].length;
      if (otherLabels.some((label) => data.includes(label, end))) return false;
      const index = Number(found[2]);
      return readers.get(Number(found[1]))?.bare(index) === index;
    },
    label(choice) {
      const part = asObject(choice.delta) === undefined ? "message" : "delta";
      const given = asObject(choice[part]);
      const list = asArray(given?.tool_calls);
      const place = typeof choice.index === "number" ? choice.index : 0;
      if (list.length === 0 && !readers.has(place)) return choice;
      const isPiece = part === "delta";
      const reader = readerOf(place);
      const entries = list.flatMap((one, position) => {
        const raw = asObject(one) ?? {};
        // Each entry of a whole answer is a call of its own, whatever it says of its index.
        const step = reader.read(isPiece ? raw : { ...raw, index: position });
        return step === undefined ? [] : [labelled(raw, step, isPiece)];
      });
      const isOver = !isPiece || Boolean(asString(choice.finish_reason));
      if (isOver && reader.isNameless()) throw flavour.streamError({ message: namelessCall });
      if (list.length === 0) return choice;
      const { tool_calls: _calls, ...said } = given ?? {};
      return { ...choice, [part]: entries.length === 0 ? said : { ...said, tool_calls: entries } };
    },
  };
}

/** Whether a chunk says nothing: all that it had was held back. */
export function isHollow(choices: readonly JsonObject[]): boolean {
  return choices.every(
    ({ delta, finish_reason: finish }) => Object.keys(asObject(delta) ?? {}).length === 0 && !asString(finish),
  );
}
