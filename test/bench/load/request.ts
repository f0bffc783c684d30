import { type Behaviour, textFor } from "../upstream/answers.ts";

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
export function chatRequest({ host, port, headers }: Target, behaviour: Behaviour, model?: string): Buffer {
  const body = chatBody(behaviour, model);
  const lines = [
    "POST /v1/chat/completions HTTP/1.1",
    `host: ${host}:${port}`,
    "content-type: application/json",
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
