import { chat } from "./chat.ts";
import { converse } from "./converse.ts";
import { gemini } from "./gemini.ts";
import type { Upstream } from "./given.ts";
import { messages } from "./messages.ts";
import { responses } from "./responses.ts";

export { type Choose, type Given, given, type Upstream } from "./given.ts";

/** Every wire format of upstreams. */
export const upstreams = { chat, messages, gemini, converse, responses } as const satisfies Readonly<
  Record<string, Upstream>
>;
