import { eventFrame } from "../../../services/simulator/formats/bedrock-frames.ts";
import { type Choose, type Given, odd, type Upstream, url } from "./given.ts";

const converseFinish = { stop: "end_turn", length: "max_tokens", filtered: "content_filtered" } as const;

function converseEnd(answer: Given, choose: Choose): { readonly stopReason: string; readonly said: object } {
  const counts = { inputTokens: 9, outputTokens: 4, totalTokens: 13 };
  const usage = {
    ...counts,
    ...odd(choose, "cacheReadInputTokens", null, 0, 3),
    ...odd(choose, "cacheWriteInputTokens", null, 0, 2),
    ...odd(choose, "cacheDetails", null, [], [{ ttl: "5m", inputTokens: 2 }]),
  };
  return {
    stopReason: answer.calls.length > 0 ? "tool_use" : converseFinish[answer.finish],
    said: {
      ...odd(choose, "usage", usage, usage, null),
      ...odd(choose, "metrics", { latencyMs: 3 }, null),
      ...odd(choose, "serviceTier", null, { type: "default" }),
      ...odd(choose, "trace", null, {}),
    },
  };
}

const webCitation = { title: "A", source: "web", location: { web: { url, domain: "example.com" } } };

/** Bedrock's Converse. */
export const converse: Upstream = {
  adapter: "bedrock",
  flavour: '{"region":"us-east-1"}',
  model: "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  whole(answer, choose) {
    const { text, thinking, calls, cites } = answer;
    const { stopReason, said } = converseEnd(answer, choose);
    const signature = odd(choose, "signature", null, "c2ln");
    const content = [
      ...(thinking === "" ? [] : [{ reasoningContent: { reasoningText: { text: thinking, ...signature } } }]),
      ...(text === ""
        ? []
        : [cites ? { citationsContent: { content: [{ text }], citations: [webCitation] } } : { text }]),
      ...calls.map(({ name, input: given }, index) => ({ toolUse: { toolUseId: `t_${index}`, name, input: given } })),
    ];
    const additional = odd(choose, "additionalModelResponseFields", null, {});
    return JSON.stringify({ output: { message: { role: "assistant", content } }, stopReason, ...said, ...additional });
  },
  streamed(answer, choose) {
    const { text, thinking, calls, cites } = answer;
    const frames = [eventFrame("messageStart", { role: "assistant" })];
    let contentBlockIndex = 0;
    const block = (start: object | undefined, ...deltas: readonly object[]) => {
      if (start !== undefined) frames.push(eventFrame("contentBlockStart", { contentBlockIndex, start }));
      for (const delta of deltas) frames.push(eventFrame("contentBlockDelta", { contentBlockIndex, delta }));
      frames.push(eventFrame("contentBlockStop", { contentBlockIndex }));
      contentBlockIndex++;
    };
    if (thinking !== "") {
      block(
        undefined,
        { reasoningContent: { text: thinking } },
        { reasoningContent: odd(choose, "signature", "", "c2ln") },
      );
    }
    if (text !== "") block(undefined, ...(cites ? [{ citation: webCitation }] : []), { text });
    for (const [index, { name, input: given }] of calls.entries()) {
      block({ toolUse: { toolUseId: `t_${index}`, name } }, { toolUse: { input: JSON.stringify(given) } });
    }
    const { stopReason, said } = converseEnd(answer, choose);
    const additional = odd(choose, "additionalModelResponseFields", null, {});
    frames.push(eventFrame("messageStop", { stopReason, ...additional }), eventFrame("metadata", { ...said }));
    return Buffer.concat(frames);
  },
};
