import { isOperation } from "../../../shared/modules.ts";
import type { Capability } from "./capabilities.ts";
import type { Model } from "./types.ts";

/** What a request needs of a model. */
export interface Needs {
  /** Conservative estimate of the input, in tokens. */
  readonly inputTokens: number;
  /** Most output tokens that the client asked for. 0: not said. */
  readonly maxOutputTokens: number;
  readonly capabilities: readonly Capability[];
}

/** A request for plain text of no known length. */
export const noNeeds: Needs = { inputTokens: 0, maxOutputTokens: 0, capabilities: [] };

/** The first capability that the model is known to lack. */
export function lacks(model: Model, needs: Needs): Capability | undefined {
  return needs.capabilities.find((needed) => can(model, needed) === false);
}

/** Whether `auto` may choose the model: it is known to have what is needed, and input and output fit as far as known. */
export function suits(model: Model, needs: Needs): boolean {
  return needs.capabilities.every((needed) => can(model, needed) === true) && fits(model, needs);
}

/** Whether a model has a capability; undefined: it is not known. One that names no operation does all of its module's. */
function can({ capabilities }: Model, needed: Capability): boolean | undefined {
  if (isOperation(needed) && capabilities?.some(isOperation) !== true) return true;
  return capabilities?.includes(needed);
}

/** Whether input and output fit the model's limits, as far as they are known. */
export function fits({ contextWindowTokens, maxOutputTokens }: Model, needs: Needs): boolean {
  const window = contextWindowTokens === 0 || needs.inputTokens + needs.maxOutputTokens <= contextWindowTokens;
  return window && (maxOutputTokens === 0 || needs.maxOutputTokens <= maxOutputTokens);
}
