import type { FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import type { Module } from "../../shared/gen/throughline/common/v1/common_pb.ts";
import type { InBandCost } from "../answers/costs.ts";
import type { InBandError } from "../answers/in-band-errors.ts";
import type { GatewayConfig } from "../config.ts";
import type { GatewayContext } from "../context.ts";
import type { Form, FormSpec, Upload } from "../domain/form.ts";
import type { Spool } from "../edge/spool.ts";
import type { SecretHeader } from "../story/authenticate.ts";
import type { Demand } from "../story/demand.ts";
import type { Later } from "../story/later.ts";

/** What an endpoint sees of a request beside its checked body, however it was sent. */
export type Sent = Pick<FastifyRequest, "incoming" | "headers" | "rawBody" | "params" | "query">;

/** What every endpoint that costs money says. What is particular to its module is in its Demand. */
export interface PaidEndpoint {
  /** Paths that clients use, each for the same. */
  readonly paths: readonly string[];
  /** The same as routes, where an address has more in it than a path. Absent: the paths, and those that Azure has for them. */
  readonly routes?: readonly string[];
  /** Its name is the scope that a key needs. */
  readonly module: Module;
  /** Client's dialect. */
  readonly dialect: string;
  /** Header whose secret counts where a client sends two. */
  readonly secretFirst?: SecretHeader;
  /** How an error is told inside a stream. */
  readonly inBandError: InBandError;
  /** True: an answer of bytes whose client asks for the cost is given at its end, with the cost in its head. */
  readonly waitsForCost?: boolean;
  /** How the cost is told inside a stream. Absent: as an event with a name. */
  readonly inBandCost?: InBandCost;
  /** As `Ask.keepsAnswer`. */
  readonly keepsAnswer: boolean;
}

/** One that takes JSON. */
export interface Endpoint<S extends TObject = TObject> extends PaidEndpoint {
  /** Schema of the body. */
  readonly body: S;
  /** Puts a body into the form that the schema checks: only what is read of it changes, never what travels on. */
  respell?(body: Record<string, unknown>): void;
  /** Checks what a schema cannot say and reads the body. Throws catalogue errors with the field's path. */
  read(body: Static<S>, request: Sent): Demand;
  /** What the client of a body that asks to be answered later gets now. Absent: no body does. */
  background?(body: Static<S>): Later | undefined;
  /** What must be looked up before a body can be read. Absent: nothing. Throws as `read` does. */
  prepare?(body: Static<S>, request: Sent, context: GatewayContext): Promise<PreparedBody<Static<S>>>;
}

/** A body as it is read and as it travels on. */
export interface PreparedBody<B> {
  readonly body: B;
  readonly bytes: Uint8Array;
  /** What it says to the dialect beside the client's headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** As `Ask.input`. */
  readonly input: Uint8Array;
}

/** JSON that a client may send in place of a form. */
export interface JsonForm<S extends TObject = TObject> {
  /** Schema of the body. */
  readonly schema: S;
  /**
   * Makes it the form that says the same. Throws catalogue errors with the field's path.
   *
   * @param openSpool opens what keeps so many bytes of files. Throws where they are too many.
   */
  receive(
    context: GatewayContext,
    request: FastifyRequest,
    body: Static<S>,
    openSpool: (bytes: number) => Spool,
  ): Promise<Upload>;
}

/** One that takes a form with files. */
export interface FormEndpoint extends PaidEndpoint {
  readonly form: FormSpec;
  /** Absent: it takes no JSON. */
  readonly json?: JsonForm;
  /** Whose limit holds for its size. */
  readonly upload: keyof GatewayConfig["maxUploadBytes"];
  /** What the bytes of its files tell of them. Absent: nothing is looked at. Throws catalogue errors with the name of the part. */
  look?(upload: Upload): Promise<Upload>;
  /** Checks what a spec cannot say and reads the form, and of its files what the reservation goes by. */
  read(form: Form, upload: Upload, request: FastifyRequest): Promise<Demand>;
}
