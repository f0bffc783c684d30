import { parseJson } from "./json.ts";
import { comma, elementsOf, quote, skipSpace, skipString, skipValue } from "./scan-json.ts";

/** What a client asks of a model beside its input, whatever its dialect calls it. */
export interface RequestParameters {
  temperature?: number;
  topP?: number;
  topK?: number;
  maxTokens?: number;
  frequencyPenalty?: number;
  presencePenalty?: number;
  seed?: number;
  choices?: number;
  dimensions?: number;
  stopSequences?: readonly string[];
  encodingFormats?: readonly string[];
  /** It asks for JSON. */
  json?: true;
}

type NumberName = {
  [K in keyof RequestParameters]-?: RequestParameters[K] extends number | undefined ? K : never;
}[keyof RequestParameters];

const numbers: ReadonlyMap<string, NumberName> = new Map<string, NumberName>([
  ["temperature", "temperature"],
  ["top_p", "topP"],
  ["topP", "topP"],
  ["top_k", "topK"],
  ["topK", "topK"],
  ["max_tokens", "maxTokens"],
  ["max_completion_tokens", "maxTokens"],
  ["max_output_tokens", "maxTokens"],
  ["maxOutputTokens", "maxTokens"],
  ["frequency_penalty", "frequencyPenalty"],
  ["frequencyPenalty", "frequencyPenalty"],
  ["presence_penalty", "presencePenalty"],
  ["presencePenalty", "presencePenalty"],
  ["seed", "seed"],
  ["n", "choices"],
  ["candidateCount", "choices"],
  ["dimensions", "dimensions"],
  ["output_dimension", "dimensions"],
  ["outputDimensionality", "dimensions"],
]);
const texts: ReadonlyMap<string, "stopSequences" | "encodingFormats"> = new Map<
  string,
  "stopSequences" | "encodingFormats"
>([
  ["stop", "stopSequences"],
  ["stop_sequences", "stopSequences"],
  ["stopSequences", "stopSequences"],
  ["encoding_format", "encodingFormats"],
  ["embedding_types", "encodingFormats"],
]);
/** Members whose own members are read as well. */
const nested: ReadonlySet<string> = new Set(["generationConfig", "generation_config", "text"]);
/** Members that say which form the answer has. */
const formats: ReadonlySet<string> = new Set(["response_format", "format"]);
const maxTexts = 16;
const maxValueBytes = 4_096;

/** A longer body is not walked through: its beginning is read up to its first list, and its end. */
const maxWholeBytes = 4_096;
const headBytes = 2_048;
const tailBytes = 1_024;
/** The last member of an object that is open to the left: its quotes are not escaped, so that it lies in no string. */
const lastMember =
  /,\s{0,32}"([A-Za-z_]+)"\s{0,32}:\s{0,32}(-?\d[\d.eE+-]*|true|false|null|"[^"\\]*"|\[[^[\]{}\\]*\]|\{[^{}[\]\\]*\})$/;

/**
 * Reads the parameters of a JSON body without parsing it, in a time that does not grow with the body: of a long one its
 * first members and its last simple ones are looked at. What is not found there is missing. A body that is no object has none.
 */
export function requestParameters(body: Uint8Array): RequestParameters {
  const parameters: RequestParameters = {};
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (bytes.length <= maxWholeBytes) {
    read(bytes, parameters, "whole");
  } else {
    read(bytes.subarray(0, headBytes), parameters, "head");
    readBackwards(bytes.subarray(-tailBytes).toString("utf8").trimEnd(), parameters);
  }
  return parameters;
}

function readBackwards(end: string, parameters: RequestParameters): void {
  if (!end.endsWith("}")) return;
  let text = end.slice(0, -1).trimEnd();
  for (let found = lastMember.exec(text); found !== null; found = lastMember.exec(text)) {
    const [, name = "", value = ""] = found;
    const bytes = Buffer.from(value);
    if (nested.has(name)) read(bytes, parameters, "nested");
    else take(name, bytes, parameters);
    text = text.slice(0, found.index).trimEnd();
  }
}

/** Reads the parameters of a form. */
export function formParameters(fields: Iterable<{ readonly name: string; readonly value: string }>): RequestParameters {
  const parameters: RequestParameters = {};
  for (const { name, value } of fields) {
    const number = numbers.get(name);
    if (number !== undefined && value.trim() !== "" && Number.isFinite(Number(value)))
      parameters[number] = Number(value);
  }
  return parameters;
}

/** `head`: the object is cut, and is read up to its first list or object that is no parameter. */
function read(object: Buffer, parameters: RequestParameters, part: "whole" | "head" | "nested"): void {
  let at = skipSpace(object, 0);
  if (object[at] !== 0x7b) return;
  at = skipSpace(object, at + 1);
  while (object[at] === quote) {
    const nameEnd = skipString(object, at);
    const name = object.toString("latin1", at + 1, nameEnd - 1);
    const from = skipSpace(object, skipSpace(object, nameEnd) + 1);
    const isParameter = numbers.has(name) || texts.has(name) || formats.has(name) || nested.has(name);
    if (part === "head" && !isParameter && (object[from] === 0x7b || object[from] === 0x5b)) return;
    const end = skipValue(object, from);
    // A text that is no JSON must not hold us here, and a value that was cut is another one.
    if (end <= from || (part === "head" && end >= object.length)) return;
    if (part !== "nested" && nested.has(name)) read(object.subarray(from, end), parameters, "nested");
    else take(name, object.subarray(from, end), parameters);
    at = skipSpace(object, end);
    if (object[at] === comma) at = skipSpace(object, at + 1);
  }
}

function take(name: string, value: Buffer, parameters: RequestParameters): void {
  if (name === "responseMimeType" || formats.has(name)) {
    if (value.length <= maxValueBytes * 16 && asksForJson(value)) parameters.json = true;
    return;
  }
  const number = numbers.get(name);
  const text = texts.get(name);
  if ((number === undefined && text === undefined) || value.length > maxValueBytes) return;
  if (text !== undefined) {
    const list = value[0] === 0x5b ? elementsOf(value) : [value];
    const found = list.slice(0, maxTexts).map((one) => parseJson(one.toString("utf8")));
    const strings = found.filter((one) => typeof one === "string");
    if (strings.length > 0) parameters[text] = strings;
  } else if (number !== undefined) {
    const parsed = parseJson(value.toString("utf8"));
    if (typeof parsed === "number") parameters[number] = parsed;
  }
}

/** `{"type": "json_object"}`, `{"type": "json_schema", ...}` or a media type. */
function asksForJson(value: Buffer): boolean {
  return /^"application\/json"|"type"\s*:\s*"json_(object|schema)"/.test(value.toString("latin1"));
}
