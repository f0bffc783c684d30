import type { Asked, Exchange, UpstreamMessage } from "../domain/exchange.ts";
import type { UpstreamFailure } from "../domain/upstream-failure.ts";
import type { BatchFormat } from "../modules/batches/format.ts";

/** Where a message goes, as far as a signature speaks of it. */
export interface SignedTarget {
  readonly method: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path with its query, as it is sent. */
  readonly path: string;
}

/** How a channel's upstream is spoken to. */
export interface OpenedAdapter {
  /**
   * Headers that carry the credential, or a signature of the message with it. Of an adapter with `grant` it is given the token.
   */
  sign(credential: string, message: UpstreamMessage, target: SignedTarget): Readonly<Record<string, string>>;
  /** Throws when the text cannot be a credential of the vendor; its message names no part of it. Absent: any text can. */
  checkCredential?(credential: string): void;
  /** How a credential is exchanged for the token that messages carry. Absent: credentials sign by themselves. */
  readonly grant?: Grant;
  /** Response headers that carry the vendor's request ID, before the usual ones. */
  readonly requestIdHeaders?: readonly string[];
  /** Exchanges by client dialect; a dialect that is not there cannot be served by this upstream. */
  readonly exchanges: Readonly<Partial<Record<string, (asked: Asked) => Exchange>>>;
  /** How the upstream itself counts the input tokens of a request, by client dialect; absent or undefined: it does not, we estimate. */
  readonly counts?: Readonly<Partial<Record<string, (asked: Asked) => TokenCount | undefined>>>;
  /** How the upstream is asked which models it serves; absent: it does not say. */
  readonly list?: ModelList;
  /** How the vendor's own batches are made; absent: it has none. */
  readonly batches?: BatchFormat;
  /** What an HTTP failure means. */
  failure(
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: string,
    upstreamRequestId: string,
  ): UpstreamFailure;
}

/** A token that a credential was exchanged for. */
export interface GrantedToken {
  readonly token: string;
  /** Unix milliseconds of its end. */
  readonly endsMs: number;
}

/** Sends a request of a grant; its answer is JSON. Rejects with a ThroughlineError when there is none. */
export type AskForToken = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
) => Promise<{ readonly status: number; readonly body: Buffer }>;

/**
 * Exchanges a credential for a token. Undefined: it is a token already, which holds as long as it does. Rejects with a
 * ThroughlineError that names neither.
 */
export type Grant = (credential: string, ask: AskForToken) => Promise<GrantedToken> | undefined;

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
  /**
   * Opens it for a channel. Throws when the channel's flavour is not valid.
   *
   * @param baseUrl address of the channel, for adapters that read more than a host from it; empty: not said.
   */
  open(flavourJson: string, baseUrl?: string): OpenedAdapter;
}
