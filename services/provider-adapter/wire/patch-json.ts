import { parseJson } from "./json.ts";
import { comma, isSpace, quote, skipSpace, skipString, skipValue } from "./scan-json.ts";

/** A change to a JSON object's own fields: a JSON text to set a field to, or `undefined` to take it away. */
export type FieldPatch = Readonly<Record<string, string | undefined>>;

/** One field of an object's text: where its name begins, and where its value begins and ends. */
interface FieldSpan {
  readonly name: string;
  readonly start: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

interface Scanned {
  readonly fields: readonly FieldSpan[];
  /** Where the closing brace is. */
  readonly end: number;
}

/**
 * Changes fields of a JSON object without parsing what they hold: the other bytes stay as they came. Strings are
 * skipped by searching their end, so 16 MB of image cost no more than a copy. Returns the same bytes when nothing changes.
 *
 * @param json text of a JSON object that JSON.parse accepts.
 * @param patch the fields; a name that occurs twice in the text is changed everywhere, a new one goes to the end.
 */
export function patchJson(json: Uint8Array, patch: FieldPatch): Uint8Array {
  return openFields(json).patched(patch);
}

/** The fields of a JSON object's text, over which one walk goes however many of them are asked for. */
export interface Fields {
  /** The value of a field as text; of a name that occurs twice the last, as JSON.parse has it. */
  text(name: string): string | undefined;
  /** As `patchJson`. */
  patched(patch: FieldPatch): Uint8Array;
}

/** Goes over the fields of a JSON object. */
export function openFields(json: Uint8Array): Fields {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  const scanned = scanFields(bytes);
  return {
    text(name) {
      const field = fieldIn(scanned.fields, name);
      return field === undefined ? undefined : bytes.toString("utf8", field.valueStart, field.valueEnd);
    },
    patched: (patch) => patched(json, bytes, scanned, patch),
  };
}

function fieldIn(fields: readonly FieldSpan[], name: string): FieldSpan | undefined {
  for (let index = fields.length - 1; index >= 0; index -= 1) if (fields[index]?.name === name) return fields[index];
  return undefined;
}

function patched(json: Uint8Array, bytes: Buffer, { fields, end }: Scanned, patch: FieldPatch): Uint8Array {
  const parts: Uint8Array[] = [];
  const pending = new Map(Object.entries(patch));
  let copied = 0;
  let kept = fields.length;
  let changed = false;
  for (const [index, field] of fields.entries()) {
    if (!Object.hasOwn(patch, field.name)) continue;
    const value = patch[field.name];
    pending.delete(field.name);
    if (value === undefined) {
      const next = fields[index + 1];
      parts.push(bytes.subarray(copied, field.start));
      // The comma goes with the field: the one behind it, or at the end of the object the one before it.
      copied = next === undefined ? field.valueEnd : next.start;
      if (next === undefined) dropTrailingComma(parts);
      kept--;
      changed = true;
    } else if (bytes.toString("utf8", field.valueStart, field.valueEnd) !== value) {
      parts.push(bytes.subarray(copied, field.valueStart), Buffer.from(value));
      copied = field.valueEnd;
      changed = true;
    }
  }
  const added = [...pending].filter(([, value]) => value !== undefined);
  if (added.length > 0) {
    const text = added.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",");
    parts.push(bytes.subarray(copied, end), Buffer.from(kept > 0 ? `,${text}` : text));
    copied = end;
    changed = true;
  }
  if (!changed) return json;
  parts.push(bytes.subarray(copied));
  return Buffer.concat(parts);
}

/** The value of a field as text; of a name that occurs twice the last, as JSON.parse has it. */
export function fieldText(json: Uint8Array, name: string): string | undefined {
  return fieldBytes(json, name)?.toString();
}

/** As `fieldText`, without a copy: a slice of the object's text. */
export function fieldBytes(json: Uint8Array, name: string): Buffer | undefined {
  const bytes = Buffer.from(json.buffer, json.byteOffset, json.byteLength);
  if (!mayHold(bytes, name)) return undefined;
  const field = fieldIn(scanFields(bytes).fields, name);
  return field === undefined ? undefined : bytes.subarray(field.valueStart, field.valueEnd);
}

/** The value of a field; undefined where there is none, or where it is not valid. */
export function fieldValue(json: Uint8Array, name: string): unknown {
  const text = fieldText(json, name);
  return text === undefined ? undefined : parseJson(text);
}

/** Whether the name can be among the fields: a search, which most bodies fail, costs a tenth of going over the fields. */
function mayHold(bytes: Buffer, name: string): boolean {
  return bytes.includes(`"${name}"`) || bytes.includes("\\u");
}

function dropTrailingComma(parts: Uint8Array[]): void {
  while (parts.length > 0) {
    const last = parts.pop();
    if (last === undefined) return;
    let end = last.length;
    while (end > 0 && isSpace(last[end - 1])) end--;
    if (end === 0) continue;
    parts.push(last[end - 1] === comma ? last.subarray(0, end - 1) : last.subarray(0, end));
    return;
  }
}

/** The fields of the outermost object, and where its closing brace is. */
function scanFields(bytes: Buffer): Scanned {
  const fields: FieldSpan[] = [];
  let at = skipSpace(bytes, 0) + 1;
  for (;;) {
    at = skipSpace(bytes, at);
    if (bytes[at] !== quote) return { fields, end: at };
    const start = at;
    at = skipString(bytes, at);
    const text = bytes.toString("utf8", start, at);
    const name = text.includes("\\") ? String(JSON.parse(text)) : text.slice(1, -1);
    at = skipSpace(bytes, skipSpace(bytes, at) + 1);
    const valueStart = at;
    at = skipValue(bytes, at);
    fields.push({ name, start, valueStart, valueEnd: at });
    at = skipSpace(bytes, at);
    if (bytes[at] === comma) at++;
  }
}
