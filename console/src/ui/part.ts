import { type ComponentType, lazy } from "react";

/** A part of the console that could not be loaded: the gateway is away, or another version of it came since the page was opened. */
export class MissingPart extends Error {
  override name = "MissingPart";
}

/** A part of the console that is loaded when it is shown first. */
export function part<P extends object>(load: () => Promise<ComponentType<P>>) {
  return lazy(async () => {
    try {
      return { default: await load() };
    } catch (error) {
      throw new MissingPart(error instanceof Error ? error.message : String(error), { cause: error });
    }
  });
}

const reloadedKey = "throughline.reloaded";
/** A page that was loaded again so shortly before is not helped by it. */
const notWithinMs = 30_000;

/** Loads the page again. False: it was a moment ago already, or nobody can tell. */
export function reloadOnce(storage: Pick<Storage, "getItem" | "setItem">, nowMs: number, reload: () => void): boolean {
  try {
    if (nowMs - Number(storage.getItem(reloadedKey) ?? 0) < notWithinMs) return false;
    storage.setItem(reloadedKey, String(nowMs));
  } catch {
    return false;
  }
  reload();
  return true;
}
