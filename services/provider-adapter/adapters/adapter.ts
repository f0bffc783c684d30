import type { Asked, Exchange, UpstreamMessage } from "../domain/exchange.ts";
import type { UpstreamFailure } from "../domain/upstream-failure.ts";

/** How a channel's upstream is spoken to. */
export interface OpenedAdapter {
  /** Headers that carry the credential, or a signature of the message with it. */
  sign(credential: string, message: UpstreamMessage): Readonly<Record<string, string>>;
  /** Response headers that carry the vendor's request ID, before the usual ones. */
  readonly requestIdHeaders?: readonly string[];
  /** Exchanges by client dialect; a dialect that is not there cannot be served by this upstream. */
  readonly exchanges: Readonly<Partial<Record<string, (asked: Asked) => Exchange>>>;
  /** How the upstream itself counts the input tokens of a request, by client dialect; absent: it does not, we estimate. */
  readonly counts?: Readonly<Partial<Record<string, (asked: Asked) => TokenCount>>>;
  /** How the upstream is asked which models it serves; absent: it does not say. */
  readonly list?: ModelList;
  /** What an HTTP failure means. */
  failure(
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: string,
    upstreamRequestId: string,
  ): UpstreamFailure;
}

/** A request for a count of input tokens. */
export interface TokenCount {
  readonly message: UpstreamMessage;
  /** The count in the answer. Throws a ThroughlineError when there is none. */
  read(body: Buffer): number;
}

/** A request for the upstream's list of models. */
export interface ModelList {
  readonly message: UpstreamMessage;
  /** The models that it lists; undefined: the body is no list. */
  read(body: Buffer): readonly ListedModel[] | undefined;
}

/** A model as an upstream lists it. */
export interface ListedModel {
  readonly name: string;
  /** When its vendor made it, in Unix seconds. 0: not said. */
  readonly createdUnixS: number;
  /** First day (UTC, "2026-12-01") on which it is served no more. Empty: not said. */
  readonly endsOn: string;
}

/** A wire format of upstreams: one folder, one entry in the registry. */
export interface Adapter {
  /** Opens it for a channel. Throws when the channel's flavour is not valid. */
  open(flavourJson: string): OpenedAdapter;
}
