import type { Asked, Exchange, UpstreamMessage } from "../../domain/exchange.ts";
import { fieldText, patchJson } from "../../wire/patch-json.ts";
import { pathSegment } from "../../wire/path-segment.ts";
import type { TokenCount } from "../adapter.ts";
import { messagesCounts, messagesExchanges } from "../anthropic/messages.ts";
import { type VertexFlavour, vertexVersion } from "./flavour.ts";

const models = "/publishers/anthropic/models";
const version = { anthropic_version: JSON.stringify(vertexVersion) };

/** A path segment as the vendor's own SDK writes it: versions of models stand behind an `@`. */
export function segment(model: string): string {
  return pathSegment(model).replaceAll("%40", "@");
}

/** The exchanges of Anthropic's models: its own format, but that the model is in the path and the version in the body. */
export function anthropicExchanges({ anthropic }: VertexFlavour): Record<string, (asked: Asked) => Exchange> {
  const own = Object.entries(messagesExchanges(anthropic));
  return Object.fromEntries(own.map(([dialect, make]) => [dialect, (asked) => onVertex(make(asked), asked)]));
}

/** The counts of their input tokens. The model stays in the body: the path has a name of its own. */
export function anthropicCounts({ anthropic }: VertexFlavour): Record<string, (asked: Asked) => TokenCount> {
  const own = Object.entries(messagesCounts(anthropic));
  return Object.fromEntries(own.map(([dialect, make]) => [dialect, (asked) => countOnVertex(make(asked))]));
}

function onVertex(exchange: Exchange, { stream, upstreamModel }: Asked): Exchange {
  const { message, notes } = exchange;
  // The platform has tiers of its own, and refuses fields that it does not know.
  const hasTier = fieldText(message.body, "service_tier") !== undefined;
  const verb = stream ? "streamRawPredict" : "rawPredict";
  return {
    ...exchange,
    message: {
      ...withoutVersion(message),
      path: `${models}/${segment(upstreamModel)}:${verb}`,
      body: patchJson(message.body, { ...version, model: undefined, service_tier: undefined }),
    },
    notes: hasTier ? [...notes, "service_tier dropped: this platform has no such field"] : notes,
  };
}

function countOnVertex({ message, read }: TokenCount): TokenCount {
  return {
    message: {
      ...withoutVersion(message),
      path: `${models}/count-tokens:rawPredict`,
      body: patchJson(message.body, version),
    },
    read,
  };
}

function withoutVersion(message: UpstreamMessage): UpstreamMessage {
  const { "anthropic-version": _inBody, ...headers } = message.headers;
  return { ...message, headers };
}
