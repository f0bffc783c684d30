import { createHash } from "node:crypto";
import { Busboy, type BusboyFileStream, type BusboyHeaders } from "@fastify/busboy";
import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";
import type { FilePart, FormPart, Upload } from "../domain/form.ts";
import type { Spool } from "./spool.ts";
import { codingOf, notAccepted } from "./unpack.ts";

/** What a form may hold, whatever its endpoint. */
const bounds = { parts: 200, nameBytes: 200, filenameLength: 512, textBytes: 1024 * 1024, headerPairs: 32 };

/** Transfer encodings that leave bytes as they are. Others are of mail; forms have none of them since RFC 7578 (section 4.7). */
const plainEncodings: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);

/** A form that is being received has so much in memory at most: its texts, and what of its files is not in the spool yet. */
export const formMemoryBytes = 2 * 1024 * 1024;

/**
 * Receives a form: fields as they come, files into the spool, each with its digest. Throws a catalogue error where it is
 * none, breaks off, or is larger than it may be; nothing of a file is ever left out in silence.
 *
 * @param maxBytes largest form, its framing included.
 */
export function receiveForm(request: FastifyRequest, spool: Spool, maxBytes: number): Promise<Upload> {
  const { raw } = request;
  return new Promise((resolve, reject) => {
    const parts: FormPart[] = [];
    let textBytes = 0;
    let received = 0;
    let over = false;
    /** Files one after another, as they are in the form: the next one stands in the parser until this one is in the spool. */
    let files = Promise.resolve();
    const streams = new Set<BusboyFileStream>();

    const busboy = openParser(request.headers, maxBytes);

    function end(): void {
      over = true;
      raw.off("data", onBytes).off("close", onClose).off("error", fail);
      raw.unpipe(busboy);
    }

    function fail(thrown: unknown): void {
      if (over) return;
      end();
      // It hears of its own end too, where nobody listens any more.
      busboy.on("error", () => {});
      busboy.destroy();
      for (const stream of streams) stream.destroy();
      reject(thrown instanceof ThroughlineError ? thrown : brokenForm(thrown));
    }

    function onBytes(chunk: Buffer): void {
      received += chunk.length;
      request.incoming.formBytes = received;
      if (received > maxBytes) fail(formTooLarge(maxBytes));
    }

    /** The client left: what is told then is the edge's affair. */
    function onClose(): void {
      if (!raw.complete) fail(brokenForm(undefined));
    }

    busboy.on("field", (name, value, nameCut, valueCut, encoding) => {
      textBytes += Buffer.byteLength(value);
      if (nameCut || !isName(name)) fail(badName());
      else if (!plainEncodings.has(encoding)) fail(encoded(name, encoding));
      else if (valueCut || textBytes > bounds.textBytes) fail(fieldTooLarge(name));
      else parts.push({ name, value });
    });
    busboy.on("file", (name, stream, filename, encoding, contentType) => {
      const index = parts.push({ name, value: "" }) - 1;
      streams.add(stream);
      stream.on("error", fail);
      if (over || !isName(name) || !plainEncodings.has(encoding)) {
        stream.destroy();
        fail(isName(name) ? encoded(name, encoding) : badName());
        return;
      }
      files = files
        .then(() => receiveFile({ name, filename, contentType }, stream, spool, maxBytes))
        .then((part) => {
          streams.delete(stream);
          parts.splice(index, 1, part);
        })
        .catch(fail);
    });
    for (const limit of ["partsLimit", "fieldsLimit", "filesLimit"] as const) {
      busboy.on(limit, () => fail(invalid(undefined, `The form has more than ${bounds.parts} parts.`)));
    }
    busboy.on("error", fail);
    busboy.on("finish", () => {
      void files.then(() => {
        if (over) return;
        end();
        resolve({ parts, source: spool });
      });
    });
    raw.on("data", onBytes).on("close", onClose).on("error", fail);
    raw.pipe(busboy);
  });
}

/** Whether a body calls itself a form. */
export function isForm(headers: FastifyRequest["headers"]): boolean {
  return /^multipart\/form-data\s*(;|$)/i.test(headers["content-type"] ?? "");
}

/** Says why a request has no form that can be read, by its head alone. */
export function checkFormHead({ headers }: FastifyRequest, maxBytes: number): void {
  if (!isForm(headers)) throw notAForm();
  if (codingOf(headers["content-encoding"]) !== undefined) throw notAccepted("identity");
  if (Number(headers["content-length"]) > maxBytes) throw formTooLarge(maxBytes);
}

/** Answers a body of another type than the form that is wanted. */
export function notAForm(): ThroughlineError {
  const message = "The body must be sent as 'Content-Type: multipart/form-data'.";
  return new ThroughlineError("invalid_value", message, { param: "Content-Type", httpStatus: 415 });
}

function openParser(headers: FastifyRequest["headers"], maxBytes: number) {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      // A part with a file name is a file, whatever its type: a field may be sent as application/octet-stream.
      isPartAFile: (_name, _type, filename) => filename !== undefined,
      limits: {
        fieldNameSize: bounds.nameBytes + 1,
        fieldSize: bounds.textBytes,
        fileSize: maxBytes,
        parts: bounds.parts,
        headerPairs: bounds.headerPairs,
      },
    });
  } catch (cause) {
    throw new ThroughlineError("invalid_value", "The Content-Type names no boundary.", {
      param: "Content-Type",
      cause,
    });
  }
}

/** The parser gives none where a part has none, whatever its types say. */
function isName(name: string | undefined): name is string {
  return name !== undefined && name !== "" && name.length <= bounds.nameBytes;
}

async function receiveFile(
  said: { readonly name: string; readonly filename: string | undefined; readonly contentType: string },
  stream: BusboyFileStream,
  spool: Spool,
  maxBytes: number,
): Promise<FilePart> {
  const offset = spool.length;
  const hash = createHash("sha256");
  for await (const chunk of stream) {
    hash.update(chunk as Buffer);
    await spool.append(chunk as Buffer);
  }
  if (stream.truncated) throw formTooLarge(maxBytes);
  return {
    name: said.name,
    filename: (said.filename ?? "").slice(0, bounds.filenameLength),
    contentType: said.contentType || "application/octet-stream",
    offset,
    length: spool.length - offset,
    sha256: hash.digest("hex"),
  };
}

function formTooLarge(maxBytes: number): ThroughlineError {
  return new ThroughlineError("request_too_large", `The form exceeds ${Math.floor(maxBytes / 1024 / 1024)} MB.`);
}

function fieldTooLarge(name: string): ThroughlineError {
  const message = `The fields of the form exceed ${bounds.textBytes / 1024 / 1024} MB at ${name}.`;
  return new ThroughlineError("request_too_large", message, { param: name });
}

function badName(): ThroughlineError {
  return invalid(undefined, `A part of the form has no name, or one of more than ${bounds.nameBytes} characters.`);
}

function encoded(name: string, encoding: string): ThroughlineError {
  const message = `${name} is sent as ${encoding.slice(0, 40)}; a part of a form is sent as it is.`;
  return invalid(name, message);
}

function brokenForm(cause: unknown): ThroughlineError {
  return new ThroughlineError("invalid_value", "The form is broken or incomplete.", { cause });
}

function invalid(param: string | undefined, message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param });
}
