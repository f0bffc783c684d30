/** Name of this wire format. */
export const responsesFormat = "openai.responses";

/** ID of a response: from it alone the request is found. */
export function responseIdOf(requestId: bigint): string {
  return `resp_${requestId}`;
}

/** Kinds of output items, with what their IDs begin with. */
const prefixes = {
  message: "msg",
  reasoning: "rs",
  function_call: "fc",
  custom_tool_call: "ctc",
  image_generation_call: "ig",
} as const;

/** Kinds of output items. */
export type ItemType = keyof typeof prefixes;

/** ID of an output item: unique among those of all responses, the same streamed and whole. */
export function itemIdOf(responseId: string, type: ItemType, outputIndex: number): string {
  return `${prefixes[type]}_${responseId.slice("resp_".length)}_${outputIndex}`;
}

/** Whether an ID is that of reasoning in a response that was written here. */
export function isOwnReasoningId(id: string): boolean {
  return /^rs_\d+_\d+$/.test(id);
}
