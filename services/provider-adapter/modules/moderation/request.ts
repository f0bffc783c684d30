import { ThroughlineError } from "../../../../shared/errors/error.ts";
import { asObject, asString, type JsonObject, parseJson } from "../../wire/json.ts";

/** A text or an image, with the client's name of its place. */
export type ModerationPart = { readonly at: string } & ({ readonly text: string } | { readonly image: string });

/** What a client wants to be judged. */
export interface ModerationRequest {
  /** Each has one verdict; the parts of one are judged together. */
  readonly inputs: readonly (readonly ModerationPart[])[];
  /** The client's `input` as it came. */
  readonly given: unknown;
  /** The client's other fields, as they came. */
  readonly others: JsonObject;
}

/** Reads a body that the gateway has checked: a text and a list of parts have one verdict, a list of texts one each. */
export function readModerationRequest(body: Uint8Array): ModerationRequest {
  const { model: _model, input, ...others } = asObject(parseJson(Buffer.from(body).toString())) ?? {};
  const list = Array.isArray(input) ? input : [input];
  const parts = list.map((one, index) => partOf(one, Array.isArray(input) ? `input[${index}]` : "input"));
  const together = parts.length > 0 && list.some((one) => typeof one !== "string");
  return { inputs: together ? [parts] : parts.map((part) => [part]), given: input, others };
}

function partOf(given: unknown, at: string): ModerationPart {
  if (typeof given === "string") return { text: given, at };
  const part = asObject(given) ?? {};
  if (part.type === "text") return { text: asString(part.text) ?? "", at: `${at}.text` };
  const url = asString(asObject(part.image_url)?.url);
  if (part.type === "image_url" && url !== undefined) return { image: url, at: `${at}.image_url` };
  throw new ThroughlineError("invalid_value", `${at} is neither a text nor an image.`, { param: `${at}.type` });
}

/** The texts of one input, for an upstream that judges nothing else. Throws invalid_value with the path of an image. */
export function textOf(parts: readonly ModerationPart[]): string {
  const texts = parts.map((part) => {
    if ("text" in part) return part.text;
    throw new ThroughlineError("invalid_value", "This model judges texts and no images.", { param: part.at });
  });
  return texts.join("\n");
}
