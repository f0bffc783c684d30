import { ThroughlineError } from "../../../shared/errors/error.ts";

/**
 * Runs a batch and, where its statement fails by the fault of an item, its halves: so one bad item never fails the
 * others. A fault that would meet every item (no database, no time) is answered at once.
 *
 * @param onFault told of every failure that is not the catalogue's, with the number of items.
 */
export async function inHalves<I, O>(
  items: readonly I[],
  run: (items: readonly I[]) => Promise<readonly O[]>,
  onFault: (error: unknown, size: number) => void,
): Promise<(O | ThroughlineError)[]> {
  if (items.length === 0) return [];
  try {
    return [...(await run(items))];
  } catch (error) {
    const fault = ThroughlineError.from(error);
    if (fault.code === "internal_error") onFault(error, items.length);
    if (items.length === 1 || fault.code !== "internal_error") return items.map(() => fault);
    const middle = items.length >> 1;
    const first = await inHalves(items.slice(0, middle), run, onFault);
    return first.concat(await inHalves(items.slice(middle), run, onFault));
  }
}
