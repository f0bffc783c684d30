import { type Choose, data, type Given, odd, type Upstream, url } from "./given.ts";

const geminiFinish = { stop: "STOP", length: "MAX_TOKENS", filtered: "SAFETY" } as const;

function geminiChunks(answer: Given, choose: Choose): object[] {
  const { text, thinking, calls, cites, finish } = answer;
  const head = () => ({ ...odd(choose, "modelVersion", "gemini-up", ""), ...odd(choose, "responseId", "r1", null) });
  const counts = { promptTokenCount: 9, candidatesTokenCount: 4, totalTokenCount: 13 };
  const usage = () => odd(choose, "usageMetadata", { ...counts, ...odd(choose, "thoughtsTokenCount", 2, null) }, null);
  const parts = [
    ...(thinking === "" ? [] : [{ text: thinking, thought: true }]),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map(({ name, input: given }) => ({ functionCall: { name, args: given } })),
  ];
  const grounding = { groundingChunks: [{ web: { uri: url, title: "A" } }] };
  const candidates = parts.map((part) => ({
    index: 0,
    content: { role: "model", parts: [part] },
    ...odd(choose, "finishReason", null),
  }));
  const end = {
    index: 0,
    ...odd(choose, "content", null, {}, { parts: [] }, { role: "model", parts: [{ text: "" }] }),
    finishReason: geminiFinish[finish],
    ...odd(choose, "safetyRatings", null, []),
    ...(cites ? { groundingMetadata: grounding } : odd(choose, "groundingMetadata", null, {})),
  };
  return [...candidates, end].map((candidate) => ({ candidates: [candidate], ...usage(), ...head() }));
}

/** Gemini. */
export const gemini: Upstream = {
  adapter: "gemini",
  flavour: "",
  model: "gemini-2.5-flash",
  whole(answer, choose) {
    const chunks = geminiChunks(answer, choose) as { candidates: { content?: { parts?: object[] } | null }[] }[];
    const parts = chunks.flatMap(({ candidates: [candidate] }) => candidate?.content?.parts ?? []);
    const last = chunks.at(-1);
    return JSON.stringify({ ...last, candidates: [{ ...last?.candidates[0], content: { role: "model", parts } }] });
  },
  streamed: (answer, choose) => geminiChunks(answer, choose).map(data).join(""),
};
