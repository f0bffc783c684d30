import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { BodySource } from "../../../domain/exchange.ts";
import {
  ask,
  type BatchFormat,
  type BatchTold,
  type LineTold,
  lineCountOf,
  objectsIn,
  onOneLine,
} from "../../../modules/batches/format.ts";
import { asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import type { MessagesFlavour } from "../flavour.ts";

const noBytes = new Uint8Array();

/** Anthropic's message batches: lines are the body of the creation. */
export function messageBatches({ path, version }: MessagesFlavour): BatchFormat {
  const batches = `${path}/batches`;
  const usual = { "anthropic-version": version };
  const one = (id: string): string => `${batches}/${encodeURIComponent(id)}`;
  return {
    writeLine(name, { path: to, headers, contentType, body, source }) {
      if (to !== path || contentType !== undefined || source !== undefined) {
        throw new ThroughlineError("invalid_value", "The upstream's batches do not take this kind of request.");
      }
      const before = `{"custom_id":${JSON.stringify(name)},"params":`;
      const line = Buffer.concat([Buffer.from(before), onOneLine(body), Buffer.from("}")]);
      // Version and previews of the format are said once for all lines.
      return { place: JSON.stringify(headers), line };
    },
    readLine,
    create({ place, lines }) {
      if (lines === undefined) throw new ThroughlineError("internal_error", "A batch without lines cannot be made.");
      const length = lines.parts[0]?.file?.length ?? 0;
      const source = listOf(length, () => lines.read(0));
      return { path: batches, headers: { ...usual, ...headersIn(place) }, body: noBytes, source };
    },
    list: (from) =>
      ask("GET", `${batches}?limit=1000${from === "" ? "" : `&after_id=${encodeURIComponent(from)}`}`, usual),
    page(answer, { sinceUnixS, lines }) {
      if (!Array.isArray(answer.data)) return undefined;
      const all = objectsIn(answer.data);
      // They bear no name of ours. One of that time with as many requests may be it, and its results will tell.
      const found = all
        .filter((batch) => createdUnixS(batch) >= sinceUnixS && requestsOf(batch) === lines)
        .flatMap((batch) => {
          const told = tell(batch);
          return told === undefined ? [] : [{ told, isCertain: false }];
        });
      const last = all.at(-1);
      const isOlder = last === undefined || createdUnixS(last) < sinceUnixS;
      return { found, next: answer.has_more === true && !isOlder ? asString(last.id) : undefined };
    },
    poll: (id) => ask("GET", one(id), usual),
    cancel: (id) => ask("POST", `${one(id)}/cancel`, usual),
    tell,
    results: (id) => ask("GET", `${one(id)}/results`, usual),
    discard: (id) => ask("DELETE", one(id), usual),
  };
}

const [start, end] = [Buffer.from('{"requests":['), Buffer.from("]}")];
const [newLine, comma] = [0x0a, 0x2c];

/** Lines as the elements of a list: what stands between them has the length of a line end. */
function listOf(length: number, read: () => AsyncIterable<Uint8Array>): BodySource {
  return {
    length: start.length + length + end.length,
    async *open() {
      yield start;
      for await (const piece of read()) {
        yield piece.includes(newLine) ? piece.map((byte) => (byte === newLine ? comma : byte)) : piece;
      }
      yield end;
    },
  };
}

function headersIn(place: string): Record<string, string> {
  const given: unknown = place === "" ? {} : JSON.parse(place);
  return Object.fromEntries(
    Object.entries(asObject(given) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function readLine({ result: given }: JsonObject): LineTold | undefined {
  const result = asObject(given);
  if (result?.type === "expired") return { kind: "expired" };
  if (result?.type === "canceled") return { kind: "cancelled" };
  const answered = (status: number, body: unknown): LineTold => ({
    ...{ kind: "answered", status, upstreamRequestId: "" },
    body: Buffer.from(JSON.stringify(body)),
  });
  if (result?.type === "succeeded" && asObject(result.message) !== undefined) return answered(200, result.message);
  if (result?.type !== "errored") return undefined;
  // It has the whole envelope of an error, or the error alone.
  const error = asObject(result.error) ?? {};
  const envelope = asObject(error.error) === undefined ? { type: "error", error } : error;
  return answered(statusOf(asString(asObject(envelope.error)?.type) ?? ""), envelope);
}

/** The status that such an error has where it is an answer of its own. */
const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  overloaded_error: 529,
};

function statusOf(type: string): number {
  return statuses[type] ?? 500;
}

function tell(batch: JsonObject): BatchTold | undefined {
  const { id, processing_status: word } = batch;
  if (typeof id !== "string" || typeof word !== "string") return undefined;
  const isRunning = word === "in_progress" || word === "canceling";
  const state = word === "ended" ? "ended" : isRunning ? "running" : "unknown";
  return { id, word, state, files: state === "ended" ? [id] : [], ...countsIn(batch) };
}

/** All of its requests are processing until it has ended, and then none is. */
function countsIn({ request_counts: given }: JsonObject): Pick<BatchTold, "counts"> {
  const { succeeded, errored, canceled, expired } = asObject(given) ?? {};
  const [done, failed, cancelled, late] = [succeeded, errored, canceled, expired].map(lineCountOf);
  if (done === undefined || failed === undefined || cancelled === undefined || late === undefined) return {};
  return { counts: { succeeded: done, failed, cancelled, expired: late } };
}

function createdUnixS({ created_at: text }: JsonObject): number {
  return Math.floor(Date.parse(asString(text) ?? "") / 1_000) || 0;
}

function requestsOf({ request_counts: given }: JsonObject): number {
  const counts = asObject(given) ?? {};
  return ["processing", "succeeded", "errored", "canceled", "expired"].reduce(
    (sum, name) => sum + (countOf(counts[name]) ?? 0),
    0,
  );
}
