import { spaceOf } from "./spaces.ts";
import type { Channel, ChannelModel, Model } from "./types.ts";

/** Most names that a warning gives. */
const namedInWarning = 10;

/** Models of a list that a channel does not serve, for nobody knows what they cost. */
export function unpricedText(channel: string, models: readonly string[]): string {
  const more = models.length > namedInWarning ? ", ..." : "";
  const names = models.slice(0, namedInWarning).join(", ") + more;
  return `channel ${channel} does not serve ${models.length} listed models that have no price (${names}): name a strategy for them`;
}

/** Models of embeddings that channels serve in several vector spaces: only those of one will be asked. */
export function spaceWarnings(
  serving: ReadonlyMap<string, readonly { readonly channel: Channel; readonly served: ChannelModel }[]>,
  models: ReadonlyMap<string, Model>,
): string[] {
  return [...serving].flatMap(([name, rows]) => {
    if (models.get(name)?.module !== "embeddings") return [];
    const real = rows.filter(({ channel }) => channel.enabled && !channel.standIn);
    const spaces = [...new Set(real.map(({ served }) => spaceOf(served)))].sort();
    if (spaces.length < 2) return [];
    return `channels serve ${name} in several vector spaces (${spaces.join(", ")}), and only those of one are asked: give those whose vectors compare the same space`;
  });
}
