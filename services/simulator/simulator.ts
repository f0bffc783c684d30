import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { httpUrl } from "../../shared/http-url.ts";
import { createBatchStore, lineHeader } from "./batches.ts";
import { type Behaviour, normalBehaviour } from "./behaviour.ts";
import { cut, deliverError } from "./deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "./exchange.ts";
import { failureOf, invalid, namedFailures } from "./failures.ts";
import { parseForm } from "./formats/audio.ts";
import { pictureAt } from "./formats/pictures.ts";
import { createJobCallbacks } from "./job-callbacks.ts";
import { createJobStore, type SimulatedJob } from "./jobs.ts";
import { isObject, type Json, stringOf } from "./json.ts";
import { createBehaviours, simulatedModels } from "./models.ts";
import { createRecorder, nowMs, type RecordedRequest, type RequestEntry } from "./recorder.ts";
import { findRoute, type RouteMatch } from "./routes.ts";
import { createServiceAccount } from "./service-account.ts";

/** What the simulator tells its log; a pino logger fits. */
export interface SimulatorLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Options of the simulator. */
export interface SimulatorOptions {
  /** 0 (the default) takes a free port. */
  readonly port?: number;
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string;
  readonly log?: SimulatorLog;
  /** How many requests are remembered. Default 500. */
  readonly maxRecords?: number;
}

/** A running simulator. */
export interface Simulator {
  readonly port: number;
  /** Origin, without a slash at the end. The OpenAI formats' base URL is `${url}/v1`. */
  readonly url: string;
  /** The last requests, oldest first. Bodies are kept up to 64 MiB in sum; older requests make room. */
  readonly requests: readonly RecordedRequest[];
  /** Requests whose answer is not complete and whose socket is open. */
  readonly open: number;
  /** Resolves with the first request, past or future, of this ID: the simulator's own, or the caller's `x-request-id`. */
  nextRequest(id: string): Promise<RecordedRequest>;
  /** Resolves when the caller closes the socket of that request before its answer is complete. */
  nextClose(id: string): Promise<RecordedRequest>;
  /** The key file of a service account, whose tokens its endpoints of Vertex take. */
  readonly serviceAccount: string;
  /** Jobs that it has begun and not deleted, oldest first. */
  readonly jobs: readonly SimulatedJob[];
  /** Forgets the recorded requests. */
  clear(): void;
  /** Stops listening and cuts every open exchange. */
  close(): Promise<void>;
}

const maxBodyBytes = 64 * 1024 * 1024;

/**
 * Starts the simulated upstream: a labelled HTTP server that speaks the vendors' wire formats without a model behind
 * it. Every answer bears `x-throughline-simulator: 1` and says in its text that it is simulated. Models named `sim-*`
 * misbehave on purpose (`simulatedModels`). `GET /sim/requests` shows what it received, `GET /sim/models` the table.
 */
export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { log } = options;
  const recorder = createRecorder({ maxRequests: options.maxRecords ?? 500, maxBodyBytes });
  const behaviourOf = createBehaviours();
  const flaky = createFlakiness();
  const run = randomBytes(4).toString("hex");
  const jobs = createJobStore(run);
  const callbacks = createJobCallbacks();
  const batches = createBatchStore(run, () => port);
  const account = createServiceAccount();
  let sequence = 0;
  let open = 0;
  let closing = false;

  const server = createServer((request, response) => {
    sequence += 1;
    const target = request.url ?? "/";
    const entry: RequestEntry = {
      id: `req_sim_${run}${sequence.toString(36).padStart(6, "0")}`,
      clientRequestId: stringOf(request.headers["x-request-id"]),
      method: request.method ?? "",
      path: target,
      rawHeaders: request.rawHeaders,
      body: noBytes,
      receivedAtMs: nowMs(),
      answeredAtMs: 0,
      status: 0,
      finishedAtMs: 0,
      clientClosedAtMs: 0,
      sentUnits: 0,
    };
    const match = findRoute(entry.method, target);
    if (match === undefined) {
      readBody(request, () => answerOwn(response, entry));
      return;
    }
    open += 1;
    const exchange: Exchange = {
      id: entry.id,
      request,
      response,
      entry,
      jobs,
      callbacks,
      batches,
      behaviourOf,
      account,
      behaviour: normalBehaviour,
      model: "",
      cut: false,
      closed: false,
      timer: undefined,
    };
    response.on("close", () => {
      open -= 1;
      exchange.closed = true;
      clearTimeout(exchange.timer);
      if (!response.writableFinished && !exchange.cut && !closing) {
        entry.clientClosedAtMs = nowMs();
        recorder.closed(entry);
      }
    });
    readBody(request, (body) => {
      entry.body = body;
      // A line of a batch came with that.
      if (request.headers[lineHeader] === undefined) recorder.add(entry);
      answer(exchange, match);
    });
  });

  const answer = (exchange: Exchange, match: RouteMatch) => {
    const { route } = match;
    try {
      const body = bodyOf(exchange, route);
      exchange.model = match.model ?? (stringOf(body.model) || stringOf(body.model_id));
      if (route.readsBody && exchange.model === "") {
        throw new InvalidRequest("you must provide a model parameter", "model");
      }
      exchange.behaviour = behaviourOf(exchange.model);
      if (exchange.behaviour === normalBehaviour || !misbehave(exchange, route)) route.answer(exchange, body, match);
    } catch (error) {
      if (!(error instanceof InvalidRequest)) log?.error({ err: error }, "the simulator failed");
      const failure = error instanceof InvalidRequest ? invalid(error.message, error.param) : failureOf(500);
      if (exchange.response.headersSent) cut(exchange);
      else deliverError(exchange, route.format, failure);
    }
  };

  const misbehave = (exchange: Exchange, route: Route): boolean => {
    const { behaviour } = exchange;
    if (behaviour.hang === "headers") return true;
    if (behaviour.drop === "headers") cut(exchange);
    else if (behaviour.status !== 0) deliverError(exchange, route.format, failureOf(behaviour.status));
    else if (behaviour.refusal !== "") deliverError(exchange, route.format, namedFailures[behaviour.refusal]);
    else if (flaky(behaviour)) deliverError(exchange, route.format, failureOf(503));
    else return false;
    return true;
  };

  const answerOwn = (response: ServerResponse, entry: RequestEntry) => {
    const [path, query] = entry.path.split("?");
    const id = new URLSearchParams(query).get("id");
    const picture = entry.method === "GET" ? pictureAt(path ?? "") : undefined;
    if (picture !== undefined) {
      response.writeHead(200, { "content-type": "image/png", "x-throughline-simulator": "1" });
      response.end(picture);
      return;
    }
    let body: unknown;
    if (path === "/sim/requests" && entry.method === "DELETE") {
      recorder.clear();
      body = { requests: [] };
    } else if (path === "/sim/requests") {
      body = {
        open,
        requests: recorder
          .list()
          .filter((one) => [null, one.id, one.clientRequestId].includes(id))
          .map(shown),
      };
    } else if (path === "/sim/service-account") {
      body = JSON.parse(account.keyFile(url));
    } else if (path === "/sim/models") {
      body = { models: simulatedModels };
    } else if (path === "/" || path === "/healthz") {
      body = { simulator: "throughline", note: "No model is behind this server; every answer is simulated." };
    }
    const found = body !== undefined;
    const text = JSON.stringify(
      body ?? {
        error: { message: "Simulated: no such path.", type: "invalid_request_error", param: null, code: "not_found" },
      },
    );
    response.writeHead(found ? 200 : 404, {
      "content-type": "application/json",
      "x-throughline-simulator": "1",
      "x-request-id": entry.id,
      "content-length": Buffer.byteLength(text),
    });
    response.end(text);
  };

  // Longer than any pool keeps an idle socket, so the client is the one that closes.
  server.keepAliveTimeout = 75_000;
  server.requestTimeout = 0;
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const url = httpUrl(options.host ?? "127.0.0.1", port);
  log?.info({ url }, "simulated upstream listening: no model is behind it");

  return {
    port,
    url,
    get requests() {
      return recorder.list();
    },
    get open() {
      return open;
    },
    get jobs() {
      return jobs.list();
    },
    get serviceAccount() {
      return account.keyFile(url);
    },
    nextRequest: recorder.nextRequest,
    nextClose: recorder.nextClose,
    clear: recorder.clear,
    close: () =>
      new Promise((resolve) => {
        closing = true;
        callbacks.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const noBytes = Buffer.alloc(0);

function readBody(request: IncomingMessage, use: (body: Buffer) => void): void {
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

function bodyOf({ entry, request }: Exchange, { readsBody, readsForm }: Route): Json {
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

/** Spreads failures evenly: of the first k requests at p percent, floor(k * p / 100) fail. */
function createFlakiness(): (behaviour: Behaviour) => boolean {
  const counts = new Map<number, number>();
  return ({ flakyPercent }) => {
    if (flakyPercent === 0) return false;
    const count = (counts.get(flakyPercent) ?? 0) + 1;
    counts.set(flakyPercent, count);
    return Math.floor((count * flakyPercent) / 100) > Math.floor(((count - 1) * flakyPercent) / 100);
  };
}

function shown(record: RecordedRequest): object {
  return { ...record, headers: withoutSecrets(record.headers), body: record.body.toString() };
}

const secretHeaders = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key", "x-amz-security-token"];

/** The HTTP view hides credentials; the programmatic one keeps them, because tests check that they are sent. */
function withoutSecrets(headers: Readonly<Record<string, string>>): Record<string, string> {
  const result = { ...headers };
  for (const name of secretHeaders) if (result[name] !== undefined) result[name] = "[hidden]";
  return result;
}
