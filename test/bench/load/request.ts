import { type Behaviour, mp3, type OtherKind, textFor } from "../upstream/answers.ts";

/** Where requests go and what they bear. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
}

const system =
  "You are the assistant of a platform team. Answer in plain words, name what you are not sure of, and keep to the point.";

/** The body of a chat completion that makes the upstream behave so. About 400 bytes. */
export function chatBody(behaviour: Behaviour, model = "gpt-4o-mini"): string {
  return JSON.stringify({
    model,
    messages: [
      { role: "system", content: system },
      { role: "user", content: `Which of the two queues grew since the last deployment? ${textFor(behaviour)}` },
    ],
    max_tokens: 256,
    temperature: 0.2,
    ...(behaviour.kind === "stream" ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** The bytes of a whole request. */
export function chatRequest(target: Target, behaviour: Behaviour, model?: string): Buffer {
  const body = Buffer.from(chatBody(behaviour, model));
  return wholeRequest(target, { path: "/v1/chat/completions", type: "application/json", body });
}

interface Content {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

function wholeRequest({ host, port, headers }: Target, { path, type, body }: Content): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}:${port}`,
    `content-type: ${type}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), body]);
}

/** An upload of 25 MiB, form and all. */
const uploadBytes = 25 * 1024 * 1024 - 64 * 1024;

function form(fields: Readonly<Record<string, string>>, file: Buffer): Buffer {
  const part = (name: string, rest: string) =>
    `--bench\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n\r\n`;
  const said = Object.entries(fields).map(([name, value]) => `${part(name, "")}${value}\r\n`);
  const head = `${said.join("")}${part("file", '; filename="bench.mp3"\r\ncontent-type: audio/mpeg')}`;
  return Buffer.concat([Buffer.from(head), file, Buffer.from("\r\n--bench--\r\n")]);
}

function json(fields: object): Pick<Content, "type" | "body"> {
  return { type: "application/json", body: Buffer.from(JSON.stringify(fields)) };
}

const contents: Readonly<Record<OtherKind, (text: string) => Content>> = {
  embedding: (input) => ({ path: "/v1/embeddings", ...json({ model: "text-embedding-3-small", input }) }),
  speech: (input) => ({ path: "/v1/audio/speech", ...json({ model: "tts-1", voice: "alloy", input }) }),
  transcript: (prompt) => ({
    path: "/v1/audio/transcriptions",
    type: "multipart/form-data; boundary=bench",
    body: form({ model: "whisper-1", prompt }, mp3(uploadBytes)),
  }),
};

/** The bytes of a whole request for something that is no chat. */
export function otherRequest(target: Target, kind: OtherKind): Buffer {
  return wholeRequest(target, contents[kind](textFor({ kind })));
}
