import type { InBandCost } from "./costs.ts";
import type { InBandError } from "./in-band-errors.ts";

/** How a stream says what is not the model's, in the client's dialect. */
export interface InBand {
  readonly requestId: string;
  readonly error: InBandError;
  readonly cost: InBandCost;
  /** True: the client asks for the cost. */
  readonly tellsCost: boolean;
}
