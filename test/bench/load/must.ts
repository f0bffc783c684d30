import type { LoadResult } from "./loads.ts";

/** The result, if every answer was a good one: a wrong answer makes every figure of a row worthless. */
export function must({ name }: { readonly name: string }, result: LoadResult): LoadResult {
  if (result.bad > 0 || result.good === 0)
    throw new Error(`${name}: ${result.good} good answers, ${result.bad} bad ones, the first: ${result.firstBad}`);
  return result;
}
