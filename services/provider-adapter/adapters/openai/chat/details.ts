import type { Signature } from "../../../modules/chat/neutral/signature.ts";
import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

/** Fields of a detail that are pieces of one text in a stream. */
const textFields = ["text", "summary", "data"] as const;

/**
 * Gathers the `reasoning_details` of a vendor's answer. In a stream a detail comes in pieces of the same type and index:
 * their texts are joined, of anything else the last counts.
 */
export function createDetails(): { add(value: unknown): void; take(): Signature[] } {
  /** By type and index: what the next piece may belong to. */
  const open = new Map<string, JsonObject>();
  /** Touched since the last call of `take`, and not taken yet. */
  let pending = new Set<JsonObject>();
  const taken = new WeakSet<JsonObject>();
  return {
    add(value) {
      for (const raw of asArray(value)) {
        const piece = asObject(raw);
        if (piece === undefined) continue;
        const { index, type } = piece;
        const isPlaced = typeof index === "number" || typeof index === "string";
        const place = isPlaced ? `${index} ${asString(type) ?? ""}` : undefined;
        const known = place === undefined ? undefined : open.get(place);
        const detail = known ?? { ...piece };
        if (known !== undefined) append(known, piece);
        else if (place !== undefined) open.set(place, detail);
        if (!taken.has(detail)) pending.add(detail);
      }
    },
    /** One for each detail that the vendor wants back unchanged (those that are signed or encrypted) since the last call. */
    take() {
      const signed = [...pending].filter((detail) => detail.signature || detail.data);
      pending = new Set();
      for (const detail of signed) taken.add(detail);
      return signed.map((detail) => ({ origin: "openai.chat", value: JSON.stringify(detail) }));
    },
  };
}

function append(detail: JsonObject, piece: JsonObject): void {
  for (const [name, value] of Object.entries(piece)) {
    const known = asString(detail[name]);
    const isText = (textFields as readonly string[]).includes(name);
    if (isText && known !== undefined && typeof value === "string") detail[name] = known + value;
    else if (value !== null) detail[name] = value;
  }
}
