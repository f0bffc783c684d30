import type { Asked, Exchange } from "../../domain/exchange.ts";
import { adapters } from "../registry.ts";

/** What goes upstream, and what the client is told of it. */
interface Sent {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly notes: readonly string[];
}

/** An exchange with a vendor of this flavour, where a client asks for `body` in a dialect. */
export function exchange(flavour: object, body: object, more: Partial<Asked> = {}, dialect = "openai.chat"): Exchange {
  const asked: Asked = {
    requestId: 1n,
    model: "m",
    upstreamModel: "some-model",
    control: "",
    stream: false,
    includeUsage: false,
    body: Buffer.from(JSON.stringify({ messages: [{ role: "user", content: "x" }], ...body })),
    headers: {},
    createdUnixS: 0,
    keepResponse: false,
    ...more,
  };
  const made = adapters.openai?.open(JSON.stringify(flavour)).exchanges[dialect]?.(asked);
  if (made === undefined) throw new Error("no exchange");
  return made;
}

/** What goes upstream. */
export function sent(flavour: object, body: object, more: Partial<Asked> = {}, dialect?: string): Sent {
  const { message, notes } = exchange(flavour, body, more, dialect);
  return { path: message.path, body: JSON.parse(Buffer.from(message.body).toString()), notes };
}

/** The dialect of Anthropic's messages. */
export const anthropic = "anthropic.messages";
