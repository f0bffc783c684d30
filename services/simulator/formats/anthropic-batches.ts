import { type BatchMoment, batchMoment, type SimulatedBatch, toldResults } from "../batches.ts";
import { cut, deliverBytes, deliverError, deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type Target } from "../exchange.ts";
import { failureOf, invalid } from "../failures.ts";
import { arrayOf, isObject, objectOf, stringOf } from "../json.ts";
import { anthropicFormat } from "./anthropic-messages.ts";

const dayMs = 86_400_000;
const plain = { format: anthropicFormat, readsBody: false } as const;
const give = (exchange: Exchange, body: object) => deliverJson(exchange, anthropicFormat, JSON.stringify(body));
const unknown = { ...failureOf(404), message: "Simulated: no such message batch." };
const nameForm = /^[a-zA-Z0-9_-]{1,64}$/;

/** POST /v1/messages/batches: takes requests, and runs them by the clock. */
export const createMessageBatch: Route = {
  ...plain,
  answer(exchange) {
    const version = stringOf(exchange.request.headers["anthropic-version"]);
    if (version === "") throw new InvalidRequest("anthropic-version: header is required", null);
    const given = arrayOf(objectOf(JSON.parse(exchange.entry.body.toString() || "{}")).requests);
    if (given.length === 0) throw new InvalidRequest("requests: at least one is required", "requests");
    const names = new Set<string>();
    const lines = given.map((one, i) => {
      const { custom_id: customId, params } = objectOf(one);
      if (typeof customId !== "string" || !nameForm.test(customId) || names.has(customId) || !isObject(params)) {
        throw new InvalidRequest(`requests.${i}: is not a request`, "requests");
      }
      names.add(customId);
      return { customId, path: "/v1/messages", body: JSON.stringify(params) };
    });
    const behaviour = exchange.behaviourOf(stringOf(objectOf(JSON.parse(lines[0]?.body ?? "{}")).model));
    if (behaviour.jobStart === "refused") return deliverError(exchange, anthropicFormat, invalid("refused", null));
    const headers = { "anthropic-version": version, "x-api-key": stringOf(exchange.request.headers["x-api-key"]) };
    const batch = exchange.batches.add("msgbatch", { behaviour, lines, said: {} }, headers);
    if (behaviour.jobStart === "lost") cut(exchange);
    else give(exchange, batchOf(exchange, batch));
  },
};

/** GET /v1/messages/batches: newest first. */
export const listMessageBatches: Route = {
  ...plain,
  answer(exchange, _body, { query }) {
    const asked = new URLSearchParams(query);
    const all = exchange.batches.list().filter(({ id }) => id.startsWith("msgbatch_"));
    const from = asked.get("after_id") === null ? 0 : all.findIndex(({ id }) => id === asked.get("after_id")) + 1;
    const limit = Number(asked.get("limit") ?? 20);
    const data = all.slice(from, from + limit).map((batch) => batchOf(exchange, batch));
    const [first, last] = [data[0]?.id ?? null, data.at(-1)?.id ?? null];
    give(exchange, { data, has_more: from + limit < all.length, first_id: first, last_id: last });
  },
};

/** GET /v1/messages/batches/{id}. */
export const retrieveMessageBatch: Route = {
  ...plain,
  answer(exchange, _body, target) {
    const batch = known(exchange, target);
    if (batch === undefined) return deliverError(exchange, anthropicFormat, unknown);
    batch.polls += 1;
    if (batch.behaviour.jobPollRefused && batch.polls % 2 === 1) {
      deliverError(exchange, anthropicFormat, failureOf(429));
    } else give(exchange, batchOf(exchange, batch));
  },
};

/** POST /v1/messages/batches/{id}/cancel. */
export const cancelMessageBatch: Route = {
  ...plain,
  answer(exchange, _body, target) {
    const batch = known(exchange, target);
    if (batch === undefined) return deliverError(exchange, anthropicFormat, unknown);
    if (hasEnded(batchMoment(batch, Date.now()))) throw new InvalidRequest("Batch has ended already", null);
    batch.cancelledAtMs ||= Date.now();
    give(exchange, batchOf(exchange, batch));
  },
};

/** DELETE /v1/messages/batches/{id}. */
export const deleteMessageBatch: Route = {
  ...plain,
  answer(exchange, _body, target) {
    const batch = known(exchange, target);
    if (batch === undefined) return deliverError(exchange, anthropicFormat, unknown);
    if (!hasEnded(batchMoment(batch, Date.now()))) throw new InvalidRequest("Batch has not ended", null);
    exchange.batches.delete(batch.id);
    give(exchange, { id: batch.id, type: "message_batch_deleted" });
  },
};

/** GET /v1/messages/batches/{id}/results. */
export const messageBatchResults: Route = {
  ...plain,
  answer(exchange, _body, target) {
    const batch = known(exchange, target);
    if (batch === undefined) return deliverError(exchange, anthropicFormat, unknown);
    const moment = batchMoment(batch, Date.now());
    if (!hasEnded(moment)) throw new InvalidRequest("Batch has not ended", null);
    const bytes = Buffer.from(linesOf(batch, moment));
    const piece = (at: number) => bytes.subarray(at, at + 65_536);
    deliverBytes(exchange, anthropicFormat, { contentType: "application/x-jsonl", length: bytes.length, piece });
  },
};

function linesOf(batch: SimulatedBatch, moment: BatchMoment): string {
  return [...toldResults(batch, moment)]
    .reverse()
    .map(({ line, status, body }) => {
      const notRun = { type: moment === "expired" ? "expired" : "canceled" };
      const answered = status === 200 ? { type: "succeeded", message: JSON.parse(body) } : undefined;
      const result = answered ?? (status === 0 ? notRun : { type: "errored", error: JSON.parse(body) });
      return `${JSON.stringify({ custom_id: line.customId, result })}\n`;
    })
    .join("");
}

function known({ batches }: Exchange, { id = "" }: Target): SimulatedBatch | undefined {
  const batch = batches.find(id);
  return batch === undefined || batchMoment(batch, Date.now()) === "forgotten" ? undefined : batch;
}

function hasEnded(moment: BatchMoment): boolean {
  return ["done", "cancelled", "expired", "refused"].includes(moment);
}

function batchOf({ request }: Exchange, batch: SimulatedBatch) {
  const moment = batchMoment(batch, Date.now());
  const ended = hasEnded(moment);
  const told = ended ? toldResults(batch, moment) : [];
  const count = (is: (status: number) => boolean) => told.filter(({ status }) => is(status)).length;
  const notRun = count((status) => status === 0);
  const time = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ id: batch.id, type: "message_batch", created_at: time(batch.createdAtMs) },
    expires_at: time(batch.createdAtMs + dayMs),
    processing_status: ended ? "ended" : moment === "cancelling" ? "canceling" : "in_progress",
    request_counts: {
      processing: ended ? 0 : batch.lines.length,
      succeeded: count((status) => status === 200),
      errored: count((status) => status !== 0 && status !== 200),
      canceled: moment === "cancelled" ? notRun : 0,
      expired: moment === "expired" ? notRun : 0,
    },
    ...{ ended_at: ended ? time(Date.now()) : null, archived_at: null },
    cancel_initiated_at: batch.cancelledAtMs === 0 ? null : time(batch.cancelledAtMs),
    results_url: ended ? `http://${request.headers.host}/v1/messages/batches/${batch.id}/results` : null,
  };
}
