import { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { Asked, UpstreamMessage } from "../../domain/exchange.ts";
import { messagesLabels } from "../../modules/chat/anthropic-messages/label-places.ts";
import { fittingMessages, type MessagesVendor } from "../../modules/chat/anthropic-messages/passthrough.ts";
import { fitLabels } from "../../modules/chat/passthrough-labels.ts";
import { asObject, countOf, parseJson } from "../../wire/json.ts";
import { fieldText, patchJson } from "../../wire/patch-json.ts";
import type { TokenCount } from "../adapter.ts";
import type { MessagesFlavour } from "./flavour.ts";
import { messagesLabelFits } from "./labels.ts";

/** Fields of a request that its count does not take. */
const notCounted = { max_tokens: undefined, stream: undefined, stop_sequences: undefined, metadata: undefined };
const sampling = { temperature: undefined, top_p: undefined, top_k: undefined, service_tier: undefined };

/** The count of a request that was written for this vendor. */
export function countRequest(message: UpstreamMessage, { countPath }: MessagesFlavour): TokenCount {
  return {
    message: { ...message, path: countPath, body: patchJson(message.body, { ...notCounted, ...sampling }) },
    read: readCount,
  };
}

/** The count of a request in the vendor's own format: the client's bytes, but for the model. */
export function passCount(asked: Asked, { countPath }: MessagesFlavour, vendor: MessagesVendor): TokenCount {
  // The messages are those of the request; its notes are for the record, which a count has none of.
  const note = () => undefined;
  const messages = fittingMessages(asked, vendor, note);
  const given = (field: string) =>
    field === "messages" && messages !== undefined ? messages : fieldText(asked.body, field);
  const patch = {
    model: JSON.stringify(asked.upstreamModel),
    ...notCounted,
    ...(messages === undefined ? {} : { messages }),
    ...fitLabels(asked.body, messagesLabels, messagesLabelFits, given, note).patch,
  };
  return {
    message: { path: countPath, headers: vendor.headers(asked.headers), body: patchJson(asked.body, patch) },
    read: readCount,
  };
}

function readCount(body: Buffer): number {
  const count = countOf(asObject(parseJson(body.toString()))?.input_tokens);
  // Every request has an input.
  if (!count) throw new ThroughlineError("upstream_error", "The upstream's count is not one of an input.");
  return count;
}
