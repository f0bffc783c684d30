import type { UpstreamEvent } from "../domain/exchange.ts";

/** Names of the last event, of formats that name it: Anthropic's messages, OpenAI's responses. */
const lastEvents: ReadonlySet<string> = new Set(["message_stop", "response.completed", "response.incomplete"]);

/**
 * Whether an event is the last of its stream, by what its format says. Official clients stop reading here, whatever the
 * connection does; Gemini's format has no such mark.
 */
export function isEndMark({ event, data }: UpstreamEvent): boolean {
  return event === undefined ? data.startsWith("[DONE]") : lastEvents.has(event);
}
