import { ThroughlineError } from "../../../shared/errors/error.ts";
import { bytesOfDataUrl, isDataUrl } from "../../domain/data-url.ts";
import type { VideosBody } from "./schema.ts";

/** Largest picture that a video begins with: it stands in the job's row until a vendor has it. */
export const maxReferenceBytes = 8 * 1024 * 1024;

/**
 * Refuses a picture that says that it is data and has none, or too much: nobody but its client can know what it was meant to be.
 * Addresses and files are the vendor's to judge.
 */
export function checkReference(reference: VideosBody["input_reference"]): void {
  const isText = typeof reference === "string";
  const url = isText ? reference : reference?.image_url;
  if (typeof url !== "string" || !isDataUrl(url)) return;
  const param = isText ? "input_reference" : "input_reference.image_url";
  const bytes = bytesOfDataUrl(url);
  if (bytes === undefined) throw new ThroughlineError("invalid_value", `${param} has no data in base64.`, { param });
  checkReferenceBytes(bytes.length, param);
}

/** Refuses a picture of too many bytes. */
export function checkReferenceBytes(bytes: number, param: string): void {
  if (bytes <= maxReferenceBytes) return;
  const message = `${param} exceeds ${maxReferenceBytes / 1024 / 1024} MB.`;
  throw new ThroughlineError("request_too_large", message, { param });
}
