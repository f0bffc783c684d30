import type { ThroughlineError } from "../../shared/errors/error.ts";
import type { Principal, Settlement } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { Module, StoreResponse } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Head, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { Upload } from "../domain/form.ts";
import type { Demand } from "./demand.ts";
import type { Incoming } from "./incoming.ts";
import type { Labels } from "./labels.ts";

/** A request as its record sees it, whether it was served or refused. */
export interface Asked {
  readonly incoming: Incoming;
  readonly principal: Principal;
  /** Client's dialect, e.g. "openai.chat". */
  readonly dialect: string;
  readonly module: Module;
  readonly demand: Pick<Demand, "model" | "answer">;
  readonly storeResponse: StoreResponse;
  readonly labels: Labels;
}

/** What an endpoint asks of the story: one checked request of a known caller. */
export interface Ask extends Asked {
  readonly demand: Demand;
  /** The body as it came; it travels on as these bytes. Let go of, hence empty, once the request is answered. */
  body: Uint8Array;
  /** What of the body is kept with the record of its answer, as Record.input of history's contract. Absent: nothing. */
  readonly input?: Uint8Array | undefined;
  /** The form that the client sent in place of JSON; `body` is empty then. */
  readonly upload?: Upload | undefined;
  /**
   * True: what the client gets is kept until the end, for its record. False: history has a document of the provider's instead
   * (vectors are not kept).
   */
  readonly keepsAnswer: boolean;
  /** Empty: none. */
  readonly idempotencyKey: string;
  /** True: the client is told with its answer what it costs, so the end of the answer waits for that. */
  readonly tellsCost: boolean;
}

/** Where an answer goes: the endpoint's side of the story. */
export interface Answer {
  /** The first frame is there: sends the response head. */
  begin(head: Head, headers: Readonly<Record<string, string>>): void;
  /**
   * Gives the client bytes; the promise resolves when it can take more.
   *
   * @param more other bytes or the end follow in this turn of the loop: these may wait to go with them.
   */
  write(data: Uint8Array, more?: boolean): Promise<void> | undefined;
  /** Waits for the client no longer: a `write` that waits resolves, and none waits from now on. */
  letGo(): void;
  /** All was given. */
  end(): void;
  /** Ends a begun answer with an in-band error. */
  fail(error: ThroughlineError): void;
  /** Calls back once when the client leaves before the end. */
  onGone(listener: () => void): void;
  /** The client left before the end. */
  isGone(): boolean;
  /** The response head was sent. */
  hasBegun(): boolean;
  /**
   * Is given what was consumed, and what that costs once it is durable; undefined: that will never be. Absent: the client is told
   * neither with its answer.
   */
  settles?(outcome: Outcome | undefined, settled: Promise<Settlement | undefined>): void;
  /** The cost, before the last bytes are given; only where the request asks for it. Absent: the client is told otherwise. */
  costs?(settlement: Pick<Settlement, "billedNanoUsd" | "reason" | "listPriceNanoUsd">): void;
}
