import type { Note } from "../../../modules/chat/neutral/formats.ts";
import type { JsonObject } from "../../../wire/json.ts";
import type { Family } from "../models.ts";

/** Claude 4.5 and later keep what they are told to for an hour. */
const hourFrom = 4.5;

/** The mark behind what is to be cached; nothing where the model has none. */
export function cachePoint(cache: JsonObject, { cachePoints, claude }: Family, note: Note): JsonObject[] {
  if (!cachePoints) {
    note("cache_control dropped: this model has no cache points");
    return [];
  }
  if (cache.ttl !== "1h") return [{ cachePoint: { type: "default" } }];
  if (claude !== undefined && claude.version >= hourFrom) return [{ cachePoint: { type: "default", ttl: "1h" } }];
  note("cache_control.ttl dropped: this model caches for five minutes");
  return [{ cachePoint: { type: "default" } }];
}
