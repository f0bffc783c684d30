import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { AskedForm, UpstreamMessage } from "../../../domain/exchange.ts";
import {
  ask,
  type BatchFormat,
  type BatchTold,
  type LineTold,
  lineCountOf,
  objectsIn,
  onOneLine,
} from "../../../modules/batches/format.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { writeMultipart } from "../../../wire/multipart.ts";

/** OpenAI's batches: lines are a file, and so are their results. */
export const openaiBatches: BatchFormat = {
  writeLine,
  readLine,
  upload,
  create({ name, place, fileId }) {
    const body = {
      input_file_id: fileId,
      endpoint: place,
      completion_window: "24h",
      metadata: { [nameField]: name },
    };
    return { path: "/batches", headers: {}, body: Buffer.from(JSON.stringify(body)) };
  },
  list: (from) => ask("GET", `/batches?limit=100${from === "" ? "" : `&after=${encodeURIComponent(from)}`}`),
  page(answer, { name, sinceUnixS }) {
    if (!Array.isArray(answer.data)) return undefined;
    const batches = objectsIn(answer.data);
    const found = batches.flatMap((batch) => {
      const told = asObject(batch.metadata)?.[nameField] === name ? tell(batch) : undefined;
      return told === undefined ? [] : [{ told, isCertain: true }];
    });
    const last = batches.at(-1);
    const isOlder = typeof last?.created_at !== "number" || last.created_at < sinceUnixS;
    return { found, next: answer.has_more === true && !isOlder ? asString(last?.id) : undefined };
  },
  poll: (id) => ask("GET", `/batches/${encodeURIComponent(id)}`),
  cancel: (id) => ask("POST", `/batches/${encodeURIComponent(id)}/cancel`),
  tell,
  results: (file) => ask("GET", `/files/${encodeURIComponent(file)}/content`),
  discard: (file) => ask("DELETE", `/files/${encodeURIComponent(file)}`),
};

/** Under this name a batch's metadata bear ours. */
const nameField = "throughline_batch";

const noBytes = new Uint8Array();
/** Endpoints that lines may be for. */
const endpoints: ReadonlySet<string> = new Set([
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/moderations",
  "/v1/images/generations",
]);

function writeLine(name: string, { path, method = "POST", contentType, body, source }: UpstreamMessage) {
  const place = `/v1${path}`;
  if (!endpoints.has(place) || method !== "POST" || contentType !== undefined || source !== undefined) {
    throw new ThroughlineError("invalid_value", "The upstream's batches do not take this kind of request.");
  }
  const before = `{"custom_id":${JSON.stringify(name)},"method":"POST","url":${JSON.stringify(place)},"body":`;
  return { place, line: Buffer.concat([Buffer.from(before), onOneLine(body), Buffer.from("}")]) };
}

function upload({ parts, read }: AskedForm): UpstreamMessage {
  const { contentType, source } = writeMultipart([{ name: "purpose", value: "batch" }, ...parts], read);
  return { path: "/files", contentType, headers: {}, body: noBytes, source };
}

/** Codes of lines that were not run. */
const notRun: Readonly<Record<string, "expired" | "cancelled">> = {
  batch_expired: "expired",
  batch_cancelled: "cancelled",
};

function readLine({ response: given, error: fault }: JsonObject): LineTold | undefined {
  const response = asObject(given);
  if (response !== undefined) {
    const { status_code: status, request_id: requestId, body } = response;
    if (typeof status !== "number" || body === undefined) return undefined;
    const upstreamRequestId = asString(requestId) ?? "";
    return { kind: "answered", status, body: Buffer.from(JSON.stringify(body)), upstreamRequestId };
  }
  const error = asObject(fault);
  if (error === undefined) return undefined;
  const kind = notRun[asString(error.code) ?? ""];
  if (kind !== undefined) return { kind };
  return { kind: "answered", status: 500, body: Buffer.from(JSON.stringify({ error })), upstreamRequestId: "" };
}

/** What the words for a batch mean. One that was cancelled or ran out of time has results of the lines that were run. */
const states: Readonly<Record<string, BatchTold["state"]>> = {
  validating: "running",
  in_progress: "running",
  finalizing: "running",
  cancelling: "running",
  failed: "refused",
  completed: "ended",
  expired: "ended",
  cancelled: "ended",
};

function tell(batch: JsonObject): BatchTold | undefined {
  const { id, status, output_file_id, error_file_id, errors, request_counts } = batch;
  if (typeof id !== "string" || typeof status !== "string") return undefined;
  const { completed, failed } = asObject(request_counts) ?? {};
  const [succeeded, broken] = [lineCountOf(completed), lineCountOf(failed)];
  const reasons = asArray(asObject(errors)?.data).map((one) => asString(asObject(one)?.message) ?? "");
  return {
    ...{ id, word: status, state: states[status] ?? "unknown", isLate: status === "expired" },
    files: [output_file_id, error_file_id].flatMap((file) => (typeof file === "string" && file !== "" ? [file] : [])),
    // Lines that it had no time for, or was not to run, stand among none of them.
    ...(succeeded === undefined || broken === undefined
      ? {}
      : { counts: { succeeded, failed: broken, cancelled: 0, expired: 0 } }),
    ...(status === "failed" ? { message: reasons.filter((text) => text !== "").join(" ") } : {}),
  };
}
