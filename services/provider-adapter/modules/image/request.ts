import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { Asked, AskedForm, FormPart } from "../../domain/exchange.ts";
import { asObject, asString, countOf, type JsonObject, parseJson } from "../../wire/json.ts";

/** What is asked for: images of a prompt, or of a prompt and images. */
export type ImageTask = "generation" | "edit";

/** An image that the client brings. */
export type GivenImage = NonNullable<FormPart["file"]>;

/** The neutral form of a request for images, which is OpenAI's. */
export interface ImageRequest {
  readonly task: ImageTask;
  readonly prompt: string;
  readonly n: number;
  /** "auto" where it is not said. */
  readonly size: string;
  /** "auto" where it is not said. */
  readonly quality: string;
  /** How each image comes back. Absent: as the upstream gives it. */
  readonly wants: "url" | "b64_json" | undefined;
  readonly stream: boolean;
  /** In the client's order. */
  readonly images: readonly GivenImage[];
  readonly mask: GivenImage | undefined;
  /** The client's other fields; a vendor may know some. Those of a form are read as JSON where they are numbers or booleans. */
  readonly others: JsonObject;
  /** The client's body, in OpenAI's shape; empty where it sent a form. */
  readonly body: Uint8Array;
  readonly form: AskedForm | undefined;
}

/** Fields that are read here, so no vendor's own. */
const readHere: ReadonlySet<string> = new Set([
  ...["model", "prompt", "n", "size", "quality", "response_format", "stream"],
]);
/** Values that ask for nothing beyond what every vendor does. */
const plain: JsonObject = { background: "auto", moderation: "auto", output_format: "png", partial_images: 0 };

/** Reads what the client sent, which the edge has checked. */
export function readImageRequest({ body, form, stream }: Asked, task: ImageTask): ImageRequest {
  const given = form === undefined ? (asObject(parseJson(Buffer.from(body).toString())) ?? {}) : fieldsOf(form);
  const images = filesOf(form, "image");
  if (task === "edit" && images.length === 0) {
    throw new ThroughlineError("missing_required_field", "image is required.", { param: "image" });
  }
  const wants = given.response_format;
  return {
    task,
    prompt: asString(given.prompt) ?? "",
    n: countOf(given.n) || 1,
    size: asString(given.size) ?? "auto",
    quality: asString(given.quality) ?? "auto",
    // Events have nothing but data.
    wants: stream ? "b64_json" : wants === "url" || wants === "b64_json" ? wants : undefined,
    stream,
    images,
    mask: filesOf(form, "mask")[0],
    others: Object.fromEntries(Object.entries(given).filter(([name]) => !readHere.has(name))),
    body,
    form,
  };
}

/** The client's other fields that ask for something. */
export function askedBeside({ others }: ImageRequest): JsonObject {
  return Object.fromEntries(Object.entries(others).filter(([name, value]) => plain[name] !== value));
}

/** Width and height of a size; undefined: it is not said. */
export function pixelsOf(size: string): { readonly width: number; readonly height: number } | undefined {
  const [width, height] = size.split("x").map(Number);
  return width && height ? { width, height } : undefined;
}

function filesOf(form: AskedForm | undefined, name: string): GivenImage[] {
  return (form?.parts ?? []).flatMap((part) =>
    part.file !== undefined && baseName(part.name) === name ? [part.file] : [],
  );
}

function baseName(name: string): string {
  const bracket = name.indexOf("[");
  return bracket <= 0 ? name : name.slice(0, bracket);
}

const scalar = /^(true|false|-?\d{1,15}(\.\d{1,15})?)$/;
const texts: ReadonlySet<string> = new Set(["prompt", "negative_prompt", "user"]);

/** The fields of a form: numbers and booleans arrive as text. */
function fieldsOf(form: AskedForm): JsonObject {
  const fields: JsonObject = {};
  for (const { name, value, file } of form.parts) {
    if (file !== undefined) continue;
    fields[name] = !texts.has(name) && scalar.test(value) ? (JSON.parse(value) as unknown) : value;
  }
  return fields;
}
