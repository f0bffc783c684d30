import type { IncomingMessage } from "node:http";
import { type Exchange, InvalidRequest, type Route } from "./exchange.ts";
import { parseForm } from "./formats/audio.ts";
import { isObject, type Json } from "./json.ts";

/** A body of which nothing has come. */
export const noBytes = Buffer.alloc(0);

/** Reads a body to its end, as slowly as its form asks for. */
export function readBody(request: IncomingMessage, use: (body: Buffer) => void): void {
  let only: Buffer = noBytes;
  let more: Buffer[] | undefined;
  let pieceMs: number | undefined;
  request.on("data", (chunk: Buffer) => {
    pieceMs ??= slowness(chunk);
    if (pieceMs > 0) {
      request.pause();
      setTimeout(() => request.resume(), pieceMs);
    }
    if (more !== undefined) more.push(chunk);
    else if (only.length === 0) only = chunk;
    else more = [only, chunk];
  });
  request.on("end", () => use(more === undefined ? only : Buffer.concat(more)));
}

/** The fields of a body as its route reads them. Throws InvalidRequest at what is no JSON object. */
export function bodyOf({ entry, request }: Exchange, { readsBody, readsForm }: Route): Json {
  const isForm = request.headers["content-type"]?.startsWith("multipart/") === true;
  if (readsForm === true || (readsForm === "either" && isForm))
    return parseForm(entry.body, request.headers["content-type"] ?? "");
  return readsBody ? parseBody(entry.body) : {};
}

/** How slowly a form is read, where the model's name comes before its file: milliseconds a piece. */
function slowness(piece: Buffer): number {
  return Number(
    /name="model(?:_id)?"\r\n\r\n\S*slow-read-(\d{1,4})/.exec(piece.toString("latin1", 0, 4_096))?.[1] ?? 0,
  );
}

function parseBody(bytes: Buffer): Json {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString());
  } catch {
    throw new InvalidRequest("We could not parse the JSON body of your request.", null);
  }
  if (!isObject(body)) throw new InvalidRequest("The body must be a JSON object.", null);
  return body;
}
