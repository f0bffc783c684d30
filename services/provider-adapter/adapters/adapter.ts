import type { Asked, Exchange } from "../domain/exchange.ts";
import type { UpstreamFailure } from "../domain/upstream-failure.ts";

/** How a channel's upstream is spoken to. */
export interface OpenedAdapter {
  /** Headers that carry the credential. */
  authorise(credential: string): Readonly<Record<string, string>>;
  /** Exchanges by client dialect; a dialect that is not there cannot be served by this upstream. */
  readonly exchanges: Readonly<Partial<Record<string, (asked: Asked) => Exchange>>>;
  /** What an HTTP failure means. */
  failure(
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
    body: string,
    upstreamRequestId: string,
  ): UpstreamFailure;
}

/** A wire format of upstreams: one folder, one entry in the registry. */
export interface Adapter {
  /** Opens it for a channel. Throws when the channel's flavour is not valid. */
  open(flavourJson: string): OpenedAdapter;
}
