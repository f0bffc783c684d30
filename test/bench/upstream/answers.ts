/** Kinds of work beside chat. */
export const otherKinds = ["embedding", "speech", "transcript"] as const;
/** A kind of work beside chat. */
export type OtherKind = (typeof otherKinds)[number];

/** What an upstream of the bench shall do with a request. */
export type Behaviour =
  | { readonly kind: "answer"; readonly delayMs: number }
  /** Answers that are no chat: a vector, speech, what an upload says. */
  | { readonly kind: OtherKind }
  | { readonly kind: "stream"; readonly chunks: number; readonly everyMs: number; readonly chunkBytes: number };

/**
 * The text of the message by which a client asks the upstream for a behaviour: a body travels unchanged through all that
 * is compared, headers and paths do not.
 */
export function textFor(behaviour: Behaviour): string {
  if (behaviour.kind === "answer") return `[[answer ${behaviour.delayMs}]]`;
  if (behaviour.kind !== "stream") return `[[${behaviour.kind}]]`;
  return `[[stream ${behaviour.chunks} ${behaviour.everyMs} ${behaviour.chunkBytes}]]`;
}

/** What the body of a request asks for; an answer at once where it asks for nothing. */
export function behaviourOf(body: Buffer): Behaviour {
  const start = body.indexOf("[[");
  const end = start === -1 ? -1 : body.indexOf("]]", start);
  const [kind, ...numbers] = end === -1 ? [] : body.toString("latin1", start + 2, end).split(" ");
  const [first = 0, everyMs = 0, chunkBytes = 0] = numbers.map(Number);
  const other = otherKinds.find((one) => one === kind);
  if (other !== undefined) return { kind: other };
  return kind === "stream"
    ? { kind, chunks: first, everyMs, chunkBytes }
    : { kind: "answer", delayMs: kind === "answer" ? first : 0 };
}

const created = 1_764_000_000;
const model = "gpt-4o-mini";
const usage = { prompt_tokens: 60, completion_tokens: 100, total_tokens: 160 };
/** Bytes of the one answer. */
export const answerBytes = 600;

/** A chat completion of exactly 600 bytes. */
export const answerBody: string = (() => {
  const of = (content: string): string =>
    JSON.stringify({
      id: "chatcmpl-bench",
      object: "chat.completion",
      created,
      model,
      choices: [
        { index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" },
      ],
      usage,
    });
  const words = "The quick brown fox jumps over the lazy dog. ".repeat(20);
  return of(words.slice(0, answerBytes - of("").length));
})();

/** An MP3 of so many bytes: frames of silence, 128 kbit a second. */
export function mp3(bytes: number): Buffer {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x64]);
  return Buffer.alloc(bytes, frame);
}

const dimensions = 1_536;

/** Type and body of each answer that is no chat. */
export const otherAnswers: Readonly<Record<OtherKind, { readonly type: string; readonly body: Buffer }>> = {
  embedding: {
    type: "application/json",
    body: Buffer.from(
      JSON.stringify({
        object: "list",
        data: [
          {
            object: "embedding",
            index: 0,
            embedding: Array.from({ length: dimensions }, (_, at) => Math.sin(at) / 40),
          },
        ],
        model: "text-embedding-3-small",
        usage: { prompt_tokens: 8, total_tokens: 8 },
      }),
    ),
  },
  speech: { type: "audio/mpeg", body: mp3(5_000_000) },
  transcript: {
    type: "application/json",
    body: Buffer.from(JSON.stringify({ text: "Nobody says a word.", usage: { type: "duration", seconds: 1_638 } })),
  },
};

function event(value: unknown): string {
  return `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
}

function chunk(delta: object, finish: string | null): object {
  return {
    id: "chatcmpl-bench",
    object: "chat.completion.chunk",
    created,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  };
}

/** One `Transfer-Encoding: chunked` piece. */
function framed(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

/**
 * A content chunk of a stream, of at least `bytes` bytes. What is beyond a word is padding in a field that OpenAI uses so
 * (`obfuscation`): a stream can be wide without its answer, which is kept for the history, being long.
 */
export function contentChunk(bytes: number): Buffer {
  const word = chunk({ content: " word" }, null);
  const padding = bytes - event({ ...word, obfuscation: "" }).length;
  return framed(event(padding > 0 ? { ...word, obfuscation: "s".repeat(padding) } : word));
}

/** The last chunk of a stream with what follows it: usage, `[DONE]` and the end of the body. */
export const lastChunk: Buffer = Buffer.concat([
  framed(
    event(chunk({}, "stop")) +
      event({ id: "chatcmpl-bench", object: "chat.completion.chunk", created, model, choices: [], usage }) +
      event("[DONE]"),
  ),
  Buffer.from("0\r\n\r\n"),
]);
