import {
  type BatchLine,
  type BatchMoment,
  batchMoment,
  type SimulatedBatch,
  type SimulatedFile,
  toldResults,
} from "../batches.ts";
import { cut, deliverBytes, deliverError, deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type Target } from "../exchange.ts";
import { failureOf, invalid } from "../failures.ts";
import { isObject, type Json, objectOf, stringOf } from "../json.ts";
import { fileNameIn, type SimulatedForm } from "./audio.ts";
import { openaiFormat } from "./openai.ts";

const dayS = 86_400;
const endpoints = new Set([
  "/v1/chat/completions",
  "/v1/responses",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/moderations",
  "/v1/images/generations",
]);

const plain = { format: openaiFormat, readsBody: false } as const;
const give = (exchange: Exchange, body: object) => deliverJson(exchange, openaiFormat, JSON.stringify(body));
const unknown = { ...failureOf(404), message: "Simulated: no such File or Batch object.", param: "id" };

/** POST /v1/files. */
export const createFile: Route = {
  ...plain,
  readsForm: true,
  answer(exchange, body) {
    const { form } = body as { form?: SimulatedForm };
    const bytes = form?.files.get("file");
    const purpose = form?.texts.get("purpose")?.[0] ?? "";
    if (bytes === undefined) throw new InvalidRequest("'file' is a required property", "file");
    if (purpose === "") throw new InvalidRequest("'purpose' is a required property", "purpose");
    const filename = fileNameIn(exchange.entry.body);
    give(exchange, fileOf(exchange.batches.addFile({ filename, purpose, bytes: Buffer.from(bytes) })));
  },
};

/** GET /v1/files/{id}, its content, and DELETE. */
export const retrieveFile: Route = {
  ...plain,
  answer(exchange, _body, { id = "" }) {
    const file = exchange.batches.findFile(id);
    if (file === undefined) deliverError(exchange, openaiFormat, unknown);
    else give(exchange, fileOf(file));
  },
};
export const fileContent: Route = {
  ...plain,
  answer(exchange, _body, { id = "" }) {
    const file = exchange.batches.findFile(id);
    if (file === undefined) return deliverError(exchange, openaiFormat, unknown);
    const { bytes } = file;
    const piece = (at: number) => bytes.subarray(at, at + 65_536);
    deliverBytes(exchange, openaiFormat, { contentType: "application/octet-stream", length: bytes.length, piece });
  },
};
export const deleteFile: Route = {
  ...plain,
  answer(exchange, _body, { id = "" }) {
    if (!exchange.batches.deleteFile(id)) deliverError(exchange, openaiFormat, unknown);
    else give(exchange, { id, object: "file", deleted: true });
  },
};

/** POST /v1/batches: takes the lines of a file, and runs them by the clock. */
export const createBatch: Route = {
  ...plain,
  answer(exchange) {
    const said = objectOf(JSON.parse(exchange.entry.body.toString() || "{}"));
    const { input_file_id: input, endpoint, completion_window: window, metadata = null } = said;
    if (window !== "24h")
      throw new InvalidRequest("Invalid value: 'completion_window' must be '24h'.", "completion_window");
    if (!endpoints.has(stringOf(endpoint))) throw new InvalidRequest("Invalid 'endpoint'.", "endpoint");
    const file = exchange.batches.findFile(stringOf(input));
    if (file === undefined) return deliverError(exchange, openaiFormat, { ...unknown, param: "input_file_id" });
    const lines = linesOf(file.bytes.toString(), stringOf(endpoint));
    const models = new Set(lines.map(({ body }) => stringOf(objectOf(JSON.parse(body)).model)));
    if (models.size > 1) throw new InvalidRequest("All requests of a batch must be for one model.", "model");
    const [model = ""] = models;
    const behaviour = exchange.behaviourOf(model);
    if (behaviour.jobStart === "refused") return deliverError(exchange, openaiFormat, invalid("refused", null));
    const batch = exchange.batches.add(
      "batch",
      { behaviour, lines, said: { endpoint, input_file_id: input, completion_window: window, metadata } },
      { authorization: stringOf(exchange.request.headers.authorization) },
    );
    if (behaviour.jobStart === "lost") cut(exchange);
    else give(exchange, batchOf(exchange, batch));
  },
};

/** GET /v1/batches: newest first. */
export const listBatches: Route = {
  ...plain,
  answer(exchange, _body, { query }) {
    const asked = new URLSearchParams(query);
    const all = exchange.batches.list().filter(({ id }) => id.startsWith("batch_"));
    const from = asked.get("after") === null ? 0 : all.findIndex(({ id }) => id === asked.get("after")) + 1;
    const limit = Number(asked.get("limit") ?? 20);
    const data = all.slice(from, from + limit).map((batch) => batchOf(exchange, batch));
    const has_more = from + limit < all.length;
    give(exchange, { object: "list", data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more });
  },
};

/** GET /v1/batches/{id}. */
export const retrieveBatch: Route = {
  ...plain,
  answer(exchange, _body, target) {
    const batch = known(exchange, target);
    if (batch === undefined) return deliverError(exchange, openaiFormat, unknown);
    batch.polls += 1;
    const isRefused = batch.behaviour.jobPollRefused && batch.polls % 2 === 1;
    if (isRefused) deliverError(exchange, openaiFormat, failureOf(429));
    else give(exchange, batchOf(exchange, batch));
  },
};

/** POST /v1/batches/{id}/cancel. */
export const cancelBatch: Route = {
  ...plain,
  answer(exchange, _body, target) {
    const batch = known(exchange, target);
    if (batch === undefined) return deliverError(exchange, openaiFormat, unknown);
    const moment = batchMoment(batch, Date.now());
    if (["done", "expired", "refused"].includes(moment)) {
      throw new InvalidRequest(`Cannot cancel a batch with status '${words[moment]}'.`, null);
    }
    batch.cancelledAtMs ||= Date.now();
    give(exchange, batchOf(exchange, batch));
  },
};

function known({ batches }: Exchange, { id = "" }: Target): SimulatedBatch | undefined {
  const batch = batches.find(id);
  return batch === undefined || batchMoment(batch, Date.now()) === "forgotten" ? undefined : batch;
}

function linesOf(text: string, endpoint: string): BatchLine[] {
  const names = new Set<string>();
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line, i) => {
      const { custom_id: customId, method, url, body } = objectOf(JSON.parse(line));
      const isRight = method === "POST" && url === endpoint && isObject(body);
      if (typeof customId !== "string" || names.has(customId) || !isRight) {
        throw new InvalidRequest(`Line ${i + 1} of the file is not a request.`, "input_file_id");
      }
      names.add(customId);
      return { customId, path: endpoint, body: JSON.stringify(body) };
    });
}

const words: Readonly<Record<BatchMoment, string>> = {
  waiting: "validating",
  running: "in_progress",
  cancelling: "cancelling",
  refused: "failed",
  done: "completed",
  cancelled: "cancelled",
  expired: "expired",
  forgotten: "failed",
};

function batchOf(exchange: Exchange, batch: SimulatedBatch) {
  const moment = batchMoment(batch, Date.now());
  const created_at = seconds(batch.createdAtMs);
  const hasEnded = ["done", "cancelled", "expired"].includes(moment);
  if (hasEnded) batch.files ??= makeFiles(exchange, batch, moment);
  // While it runs it counts what has been run.
  const told = hasEnded ? toldResults(batch, moment) : moment === "running" ? batch.results : [];
  const completed = told.filter(({ status }) => status === 200).length;
  const fault = { code: "token_limit_exceeded", message: "Simulated: the batch is refused.", line: null, param: null };
  return {
    ...{ id: batch.id, object: "batch", ...batch.said, created_at, expires_at: created_at + dayS },
    ...{ status: words[moment], errors: moment === "refused" ? { object: "list", data: [fault] } : null },
    ...{ output_file_id: batch.files?.output || null, error_file_id: batch.files?.errors || null },
    in_progress_at: moment === "waiting" ? null : created_at,
    cancelling_at: batch.cancelledAtMs === 0 ? null : seconds(batch.cancelledAtMs),
    request_counts: { total: batch.lines.length, completed, failed: told.length - completed },
  };
}

/** Answers in one file, in an order that is not that of the lines; what failed or was not run in another. */
function makeFiles(exchange: Exchange, batch: SimulatedBatch, moment: BatchMoment) {
  const told = [...toldResults(batch, moment)].reverse();
  const output: string[] = [];
  const errors: string[] = [];
  for (const [i, { line, status, requestId, body }] of told.entries()) {
    const names = { id: `batch_req_sim${i}`, custom_id: line.customId };
    const code = moment === "expired" ? "batch_expired" : "batch_cancelled";
    const notRun = { code, message: "Simulated: this request was not run." };
    const response = status === 0 ? null : { status_code: status, request_id: requestId, body: JSON.parse(body) };
    const text = JSON.stringify({ ...names, response, error: status === 0 ? notRun : null });
    (status === 200 ? output : errors).push(`${text}\n`);
  }
  const keep = (kind: string, lines: readonly string[]) => {
    if (lines.length === 0) return "";
    const [filename, bytes] = [`${batch.id}_${kind}.jsonl`, Buffer.from(lines.join(""))];
    return exchange.batches.addFile({ filename, purpose: "batch_output", bytes }).id;
  };
  return { output: keep("output", output), errors: keep("error", errors) };
}

function fileOf({ id, filename, purpose, bytes, createdAtMs }: SimulatedFile): Json {
  const created_at = seconds(createdAtMs);
  return { id, object: "file", bytes: bytes.length, created_at, filename, purpose, status: "processed" };
}

const seconds = (ms: number): number => Math.floor(ms / 1_000);
