import { estimateRequest } from "../../../shared/estimate/input.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { backgroundHeader, previousHeader, storedHeader } from "../../../shared/response-headers.ts";
import { responseInBandCost } from "../../answers/costs.ts";
import { responsesInBandError } from "../../answers/in-band-errors.ts";
import { principalOf } from "../../edge/admission.ts";
import { responseView, toResponse } from "../../view/response.ts";
import { ownerOf } from "../history-query.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { askedCeiling, chatDemand } from "./chat-demand.ts";
import { checkResponses } from "./check-responses.ts";
import { responsesBody } from "./schemas/responses.ts";
import { expandBody } from "./stored/expand.ts";
import { isKept, keptInput } from "./stored/keep.ts";

const nothing = new Uint8Array();

/** POST /v1/responses: OpenAI's responses. */
export const responses: Endpoint<typeof responsesBody> = {
  paths: ["/v1/responses"],
  module: Module.CHAT,
  dialect: "openai.responses",
  body: responsesBody,
  inBandError: responsesInBandError,
  inBandCost: responseInBandCost,
  keepsAnswer: true,
  async prepare(body, request, context) {
    const { incoming, rawBody } = request;
    const principal = principalOf(request);
    const expanded = await expandBody(context, { incoming, owner: ownerOf(principal, undefined) }, body);
    const keeps = isKept(body, principal);
    return {
      body: expanded?.body ?? body,
      bytes: expanded?.bytes ?? rawBody,
      headers: {
        ...(keeps ? { [storedHeader]: "true" } : {}),
        ...(body.background === true ? { [backgroundHeader]: "true" } : {}),
        ...(typeof body.previous_response_id === "string" ? { [previousHeader]: body.previous_response_id } : {}),
      },
      input: keeps ? keptInput(body, rawBody.length, expanded?.continues) : nothing,
    };
  },
  background: (body) =>
    body.background === true ? { httpStatus: 200, view: responseView(body), show: toResponse } : undefined,
  read(body, request) {
    checkResponses(body, isKept(body, principalOf(request)));
    return chatDemand({
      model: body.model,
      stream: body.stream === true,
      includeUsage: true,
      estimate: estimateRequest(body),
      tools: (body.tools?.length ?? 0) > 0,
      structuredOutput: body.text?.format?.type === "json_schema",
      maxOutputTokens: askedCeiling(body.max_output_tokens),
      maxOutputField: "max_output_tokens",
      inputField: "input",
      choices: 1,
      headers: {},
      affinity: body.prompt_cache_key ?? "",
    });
  },
};
