import type { ModuleName } from "../../../shared/modules.ts";
import { hasRate } from "../../../shared/money/prices.ts";
import { Unit, unitEntry } from "../../../shared/units.ts";
import type { ListPrices } from "./types.ts";

/** The units of which every request of a module consumes some, at one upstream or another. */
const consumed: Readonly<Record<ModuleName, readonly Unit[]>> = {
  chat: [Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS],
  embeddings: [Unit.INPUT_TOKENS],
  rerank: [Unit.INPUT_TOKENS, Unit.SEARCHES],
  moderation: [Unit.INPUT_TOKENS],
  image: [Unit.IMAGES, Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS, Unit.OUTPUT_IMAGE_TOKENS],
  audio: [
    ...[Unit.AUDIO_MS, Unit.INPUT_AUDIO_MS, Unit.OUTPUT_AUDIO_MS, Unit.CHARACTERS],
    ...[Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS, Unit.INPUT_AUDIO_TOKENS, Unit.OUTPUT_AUDIO_TOKENS],
  ],
  video: [Unit.OUTPUT_VIDEO_MS, Unit.OUTPUT_VIDEO_TOKENS, Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS],
};

/** True: a request of the module costs something at these prices, whatever else it uses. */
export function chargesFor(module: ModuleName, prices: ListPrices): boolean {
  return [...consumed[module], Unit.REQUESTS].some((unit) => {
    const { price } = unitEntry(unit);
    return (price !== undefined && prices[price] > 0n) || hasRate({ ...prices, groupRatioPpm: 0 }, unit);
  });
}
