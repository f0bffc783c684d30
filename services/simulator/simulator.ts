import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { httpUrl } from "../../shared/http-url.ts";
import { createBatchStore, lineHeader } from "./batches.ts";
import { normalBehaviour } from "./behaviour.ts";
import { cut, deliverError } from "./deliver.ts";
import { type Exchange, InvalidRequest, type Route } from "./exchange.ts";
import { failureOf, invalid, namedFailures } from "./failures.ts";
import { createFlakiness } from "./flakiness.ts";
import { createJobCallbacks } from "./job-callbacks.ts";
import { createJobStore, type SimulatedJob } from "./jobs.ts";
import { stringOf } from "./json.ts";
import { createBehaviours } from "./models.ts";
import { answerOwn } from "./own-pages.ts";
import { bodyOf, noBytes, readBody } from "./receive.ts";
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
      readBody(request, () => answerOwn(response, entry, { recorder, account, open, url }));
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
