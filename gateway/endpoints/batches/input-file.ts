import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { File } from "../../../shared/gen/throughline/jobs/v1/files_pb.ts";
import { pieceBytes } from "../../../shared/object-piece.ts";
import type { CallOptions } from "../../../shared/rpc/index.ts";
import { textLines } from "../../../shared/text-lines.ts";
import type { GatewayContext } from "../../context.ts";
import { readClientJson } from "../../domain/client-json.ts";
import { membersOf } from "../../domain/json-spans.ts";
import type { GivenLine } from "./prepare-line.ts";

/** What a batch may have, as at OpenAI. */
export const batchBounds = { lines: 50_000, bytes: 200 * 1024 * 1024, customIdLength: 512 };

/** What a line says beside its body, and the body itself. */
const envelope: readonly string[] = ["custom_id", "method", "url", "body"];
/** What stands around the body of a line. */
const envelopeBytes = 64 * 1024;
const pieceTimeoutMs = 60_000;
/** The parameter that each refusal is about. */
const inputFile = "input_file_id";

/**
 * The lines of an input file, read in pieces. A file that is not what a batch needs is refused as a whole, with the number of the
 * line: no JSON, no custom_id or one that was given before, another method or path, no body, none or too many lines.
 */
export async function* inputLines(
  context: GatewayContext,
  { fileId, bytes: size }: File,
  accountId: bigint,
  path: string,
  options: CallOptions,
): AsyncGenerator<GivenLine> {
  const total = Number(size);
  if (total > batchBounds.bytes) {
    throw refused(`The input file has ${total} bytes; a batch takes ${batchBounds.bytes}.`);
  }
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < total; ) {
      const range = { objectId: fileId, accountId, offset: BigInt(offset), maxBytes: pieceBytes };
      const { data } = await context.jobs.readObject(range, { ...options, timeoutMs: pieceTimeoutMs });
      if (data.length === 0) throw refused("The input file is gone.");
      yield data;
      offset += data.length;
    }
  }
  const { bodyLimitBytes } = context.config;
  const tooLong = (number: number) => refused(`Line ${number} is longer than ${bodyLimitBytes} bytes.`);
  const seen = new Map<string, number>();
  for await (const { number, bytes } of textLines(pieces(), bodyLimitBytes + envelopeBytes, tooLong)) {
    const line = readInputLine(bytes, number, path);
    const before = seen.get(line.customId);
    if (before !== undefined) throw refused(`Line ${number} has the custom_id of line ${before}.`);
    seen.set(line.customId, number);
    if (seen.size > batchBounds.lines) throw refused(`The input file has more than ${batchBounds.lines} lines.`);
    yield line;
  }
  if (seen.size === 0) throw refused("The input file has no line.");
}

function readInputLine(bytes: Buffer, number: number, path: string): GivenLine {
  const { value, twice } = readClientJson(bytes, `Line ${number}`, inputFile);
  if (!isObject(value)) throw refused(`Line ${number} is not an object.`);
  // A name that stands twice within the body is refused by its endpoint, as the line's own failure.
  if (twice !== undefined && envelope.includes(twice)) throw refused(`Line ${number} has ${twice} twice.`);
  const { custom_id: customId, method, url, body } = value;
  if (typeof customId !== "string" || customId === "" || customId.length > batchBounds.customIdLength) {
    throw refused(`Line ${number} needs a custom_id of 1 to ${batchBounds.customIdLength} characters.`);
  }
  if (method !== undefined && method !== "POST") throw refused(`Line ${number} has another method than POST.`);
  if (url !== path) throw refused(`Line ${number} has the url ${shown(url)}; the endpoint of the batch is ${path}.`);
  if (!isObject(body)) throw refused(`Line ${number} has no body.`);
  const at = membersOf(bytes).get("body");
  if (at === undefined) throw refused(`Line ${number} has no body.`);
  return { customId, body, bytes: bytes.subarray(at.start, at.end) };
}

function shown(url: unknown): string {
  return typeof url === "string" ? JSON.stringify(url.slice(0, 100)) : "of no text";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param: inputFile });
}
