import { backgroundHeader, previousHeader, storedHeader } from "../../../../../shared/response-headers.ts";
import type { Asked } from "../../../domain/exchange.ts";

/** What a response says of its being kept and made. */
export interface Keeping {
  /** Later requests may refer to it. */
  readonly stored: boolean;
  /** The response that its request went on from; null: none. */
  readonly previousId: string | null;
  /** It is made in the background: its client asks for it. */
  readonly background: boolean;
}

/** What the gateway says of the keeping of a response. */
export function keeping({ headers }: Pick<Asked, "headers">): Keeping {
  return {
    stored: headers[storedHeader] === "true",
    previousId: headers[previousHeader] ?? null,
    background: headers[backgroundHeader] === "true",
  };
}
