import type { Account, House } from "./house.ts";

/** Texts by which the test knows whose JSON it sees. */
export const marks = {
  /** Stands in the client's body. */
  body: "what the client asks",
  /** Stands in an answer that is no stream, the upstream's and ours. */
  answer: "what the upstream says",
  /** Stands in a chunk of a stream, the upstream's and ours. */
  chunk: "chat.completion.chunk",
};

const model = "gpt-4o-mini";

/** A client's body, of so many messages. */
export function bodyOf(messages: number, stream: boolean): string {
  return JSON.stringify({ model, messages: Array(messages).fill({ role: "user", content: marks.body }), stream });
}

/** What the upstream answers where no stream is asked. */
export const upstreamAnswer = JSON.stringify({
  id: "chatcmpl-upstream",
  object: "chat.completion",
  created: 1_764_000_000,
  model,
  choices: [{ index: 0, message: { role: "assistant", content: marks.answer }, finish_reason: "stop" }],
  usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 9 },
});

/** Asks for an answer and reads it. */
export async function ask(house: House, body: string): Promise<void> {
  const response = await house.chat(body);
  const text = await response.text();
  if (response.status !== 200 || !text.includes(marks.answer)) throw new Error(`${response.status}: ${text}`);
}

/**
 * Asks for a stream of so many pieces. Each is sent when the client has the one before it, so that no two travel together,
 * however busy the machine is; the last brings the finish, the usage and the end.
 */
export async function askForStream(house: House, body: string, pieces: number, account: Account): Promise<void> {
  const answering = house.chat(body, account);
  const upstream = await house.upstream.nextStream();
  upstream.send(contentPiece(0));
  const reader = (await answering).body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const heard = async (mark: string): Promise<void> => {
    while (!text.includes(mark)) {
      const next = await reader?.read();
      if (next?.value === undefined) throw new Error(`the stream ended without ${mark}: ${text}`);
      text += next.value;
    }
  };
  for (let piece = 1; piece < pieces; piece += 1) {
    await heard(wordOf(piece - 1));
    if (piece < pieces - 1) upstream.send(contentPiece(piece));
    else upstream.end(lastPiece);
  }
  await heard("[DONE]");
}

const wordOf = (piece: number): string => `word-${piece}.`;

function contentPiece(piece: number): string {
  return event({ choices: [{ index: 0, delta: { content: wordOf(piece) }, finish_reason: null }] });
}

const lastPiece: string =
  event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
  event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 99, total_tokens: 104 } }) +
  "data: [DONE]\n\n";

function event(fields: object): string {
  const chunk = { id: "chatcmpl-upstream", object: marks.chunk, created: 1_764_000_000, model, ...fields };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
