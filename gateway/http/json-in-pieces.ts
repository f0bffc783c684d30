import { createPace } from "../../shared/pace.ts";

/** The items of a JSON array without its brackets; others are served while it is written. */
export async function jsonInPieces<T>(items: readonly T[], toJson: (item: T) => object): Promise<string> {
  const pieces: string[] = [];
  const pace = createPace();
  for (const item of items) {
    pieces.push(JSON.stringify(toJson(item)));
    const others = pace();
    if (others !== undefined) await others;
  }
  return pieces.join(",");
}
