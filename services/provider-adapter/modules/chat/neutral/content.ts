import type { NeutralEvent } from "./events.ts";

/** Whether each kind of step gives the client something of the answer itself. */
const contentOf: { readonly [T in NeutralEvent["type"]]: (step: Extract<NeutralEvent, { type: T }>) => boolean } = {
  start: () => false,
  text: ({ text }) => text !== "",
  refusal: ({ text }) => text !== "",
  thinking: ({ text }) => text !== "",
  signature: () => true,
  redacted_thinking: () => true,
  tool_call: ({ name }) => name !== "",
  tool_input: ({ text }) => text !== "",
  image: () => true,
  citation: () => true,
  // They are about a text that has come.
  logprobs: () => false,
  finish: () => false,
  usage: () => false,
};

/** True: the step is content; false: it only frames what is to come, or ends it. */
export function isContent(step: NeutralEvent): boolean {
  const judge = contentOf[step.type] as (step: NeutralEvent) => boolean;
  return judge(step);
}
