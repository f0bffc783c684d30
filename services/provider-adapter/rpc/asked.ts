import { ThroughlineError } from "../../../shared/errors/error.ts";
import { type Candidate, StoreResponse } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { InvokeItem } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import type { StreamCall } from "../../../shared/rpc/index.ts";
import type { OpenChannel } from "../channels.ts";
import type { Asked, AskedForm } from "../domain/exchange.ts";
import { askedStepOf } from "./job-steps.ts";

/** With what an exchange is made. */
export interface Trial {
  readonly candidate: Candidate;
  readonly channel: OpenChannel;
  /** Credential that the attempt is made with; empty: none. */
  readonly credential: string;
  readonly body: Uint8Array;
}

/** What an exchange is asked for. */
export function askedOf(call: StreamCall<InvokeItem>, { candidate, channel, credential, body }: Trial): Asked {
  const { item, requestId } = call;
  return {
    form: item.form.length === 0 ? undefined : formOf(call),
    requestId,
    model: item.model,
    upstreamModel: candidate.upstreamModel,
    control: item.control,
    stream: item.stream,
    includeUsage: item.includeUsage,
    body,
    estimatedInputTokens: Number(item.estimatedInputTokens),
    outputCeiling: Number(item.outputCeiling),
    prices: candidate.pricing,
    headers: item.headers,
    createdUnixS: Number(item.createdUnixS),
    keepResponse: item.storeResponse !== StoreResponse.NONE,
    ...askedStepOf(item.job, channel, credential),
  };
}

function formOf({ item, body }: StreamCall<InvokeItem>): AskedForm {
  return {
    inputAudioMs: Number(item.inputAudioMs),
    parts: item.form.map(({ name, content }) => {
      if (content.case !== "file") return { name, value: content.value ?? "" };
      const { filename, contentType, offset, length } = content.value;
      return { name, value: "", file: { filename, contentType, offset: Number(offset), length: Number(length) } };
    }),
    read(offset) {
      if (body === undefined) throw new ThroughlineError("internal_error", "The form of this request has no bytes.");
      return body.from(offset);
    },
  };
}
