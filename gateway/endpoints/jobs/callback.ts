import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GatewayContext } from "../../context.ts";
import { callOptions } from "./owned.ts";

/** Header by which a request of any form says where the end of its job is told. */
const header = "x-throughline-callback-url";
/** Field of bodies that are not a vendor's own. */
export const callbackField = "callback_url";

/**
 * Where a request wants the end of its job told: its header says it, or its body; empty: nowhere but at the account's webhooks.
 * Throws invalid_value, before anything is created, for what may not be called and for two that differ.
 *
 * @param field what the body says.
 */
export async function callbackUrlOf(
  context: GatewayContext,
  request: Pick<FastifyRequest, "incoming" | "headers">,
  field: string | null | undefined,
): Promise<string> {
  const sent = request.headers[header];
  const byHeader = Array.isArray(sent) ? sent.join(",") : sent;
  const url = byHeader ?? field ?? undefined;
  if (url === undefined) return "";
  const param = byHeader === undefined ? callbackField : header;
  if (byHeader !== undefined && (field ?? byHeader) !== byHeader) {
    throw new ThroughlineError("invalid_value", `${header} and ${callbackField} name two addresses.`, { param });
  }
  if (url === "") throw new ThroughlineError("invalid_value", `${param} must not be empty.`, { param });
  try {
    await context.jobs.checkCallbackUrl({ url }, callOptions(context, request));
  } catch (thrown) {
    const error = ThroughlineError.from(thrown);
    if (error.code !== "invalid_value") throw error;
    throw new ThroughlineError(error.code, error.message.replace(callbackField, param), { param, cause: error });
  }
  return url;
}
