import { isEffort, reasoningOf } from "./reasoning.ts";
import type { NeutralRequest } from "./request.ts";

/**
 * The request with the control that the client put at the end of the model's name (`-thinking`, `-nothinking`, `-search`,
 * `-low` ...). The name wins over fields: it is the more deliberate of the two.
 */
export function withControl(request: NeutralRequest, control: string): NeutralRequest {
  if (control === "") return request;
  if (control === "thinking") return { ...request, reasoning: { ...request.reasoning, mode: "on" } };
  if (control === "nothinking") return { ...request, reasoning: { mode: "off" } };
  if (control === "search") return { ...request, webSearch: request.webSearch ?? { contextSize: "medium" } };
  if (isEffort(control)) return { ...request, reasoning: { ...reasoningOf(control), show: request.reasoning.show } };
  return request;
}
