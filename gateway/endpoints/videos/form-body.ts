import { ThroughlineError } from "../../../shared/errors/error.ts";
import { type FormSpec, readForm, type Upload } from "../../domain/form.ts";
import { checkReferenceBytes } from "./reference.ts";

const readBytes = 1024 * 1024;

/** The form that a video may be asked for by. */
export const videosForm: FormSpec = {
  files: { input_reference: { most: 1 } },
  fields: {
    model: { kind: "text", required: true },
    prompt: { kind: "text", required: true },
    seconds: { kind: "text" },
    duration: { kind: "text" },
    size: { kind: "text" },
    user: { kind: "text" },
    callback_url: { kind: "text" },
  },
};

/** The form as the JSON body that says the same: fields as they are, the file as a data URL. Throws catalogue errors. */
export async function formBody(upload: Upload): Promise<Record<string, unknown>> {
  const form = readForm(videosForm, upload.parts);
  const body: Record<string, unknown> = {};
  for (const part of upload.parts) if ("value" in part) body[part.name] = part.value;
  const [file] = form.files;
  if (file === undefined) return body;
  if (!file.contentType.startsWith("image/") && !file.contentType.startsWith("video/")) {
    throw new ThroughlineError("invalid_value", "input_reference must be an image or a video.", {
      param: "input_reference",
    });
  }
  checkReferenceBytes(file.length, "input_reference");
  const bytes = await readFile(upload, file.offset, file.length);
  return { ...body, input_reference: { image_url: `data:${file.contentType};base64,${bytes.toString("base64")}` } };
}

async function readFile({ source }: Upload, offset: number, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < length; ) {
    const piece = await source.read(offset + at, Math.min(readBytes, length - at));
    if (piece.length === 0) break;
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces).subarray(0, length);
}
