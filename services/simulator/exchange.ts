import type { IncomingMessage, ServerResponse } from "node:http";
import type { BatchStore } from "./batches.ts";
import type { Behaviour } from "./behaviour.ts";
import type { JobCallbacks } from "./job-callbacks.ts";
import type { JobStore } from "./jobs.ts";
import type { Json } from "./json.ts";
import type { RequestEntry } from "./recorder.ts";
import type { ServiceAccount } from "./service-account.ts";

/** One request and its answer under way. */
export interface Exchange {
  /** The simulator's request ID. */
  readonly id: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly entry: RequestEntry;
  /** The jobs of the simulator. */
  readonly jobs: JobStore;
  /** Calls what jobs name as their callback_url. */
  readonly callbacks: JobCallbacks;
  /** Its files and batches. */
  readonly batches: BatchStore;
  /** How a request for a model is to be treated. */
  behaviourOf(model: string): Behaviour;
  /** The service account of the simulator, and its tokens. */
  readonly account: ServiceAccount;
  behaviour: Behaviour;
  /** The model asked for, with its `sim-*` name if it has one. */
  model: string;
  /** True: the simulator itself cuts the socket. */
  cut: boolean;
  /** Set when the response's socket is gone; stops writing. */
  closed: boolean;
  /** The step that waits, if one does; cleared when the socket goes. */
  timer: NodeJS.Timeout | undefined;
}

/** An error answer, before a wire format renders it. */
export interface SimulatedError {
  readonly status: number;
  /** Short machine name in the OpenAI manner, e.g. "rate_limit_exceeded". */
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  /** `Retry-After` in seconds. 0: none. */
  readonly retryAfterSeconds: number;
}

/** One wire format: how it names things; the routes hold what it answers. */
export interface WireFormat {
  /** Lower-case header that bears the request ID; empty where the vendor sends none. */
  readonly requestIdHeader: string;
  /** The whole error body. */
  errorBody(error: SimulatedError, requestId: string): string;
  /** Headers of an error. Absent: none of its own. */
  errorHeaders?(error: SimulatedError): Readonly<Record<string, string>>;
}

/** What the path of a request says beyond its route. */
export interface Target {
  /** The model, where the path names it. */
  readonly model: string | undefined;
  /** The verb after the model's colon, where the path has one; what is wanted of a job, where it is a job's. */
  readonly verb: string;
  /** The ID of a job, where the path names one. */
  readonly id?: string | undefined;
  readonly query: string;
}

/** One endpoint. */
export interface Route {
  readonly format: WireFormat;
  /** True: the body is a JSON object, and it or the path names a model. */
  readonly readsBody: boolean;
  /** True: the body is a form. "either": a form or JSON, as its type says. */
  readonly readsForm?: true | "either";
  /** Answers a request that is neither hanging nor failing. Throws `InvalidRequest` for a body it cannot serve. */
  answer(exchange: Exchange, body: Json, target: Target): void;
}

/** A body that the vendor would refuse with 400. */
export class InvalidRequest extends Error {
  readonly param: string | null;
  constructor(message: string, param: string | null) {
    super(message);
    this.param = param;
  }
}
