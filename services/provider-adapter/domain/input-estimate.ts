import { estimateRequest } from "../../../shared/estimate/input.ts";
import { asObject, parseJson } from "../wire/json.ts";
import type { Asked } from "./exchange.ts";

/**
 * Input tokens of a request whose upstream did not count them: those that were estimated for its reservation. A gateway
 * of before does not send them; then the same estimate is made here.
 */
export function estimatedInput({ estimatedInputTokens, body }: Pick<Asked, "body" | "estimatedInputTokens">): number {
  return estimatedInputTokens || estimateRequest(asObject(parseJson(Buffer.from(body).toString())) ?? {}).tokens;
}
