import { expect } from "vitest";

/* What each module is asked on the walk of an ID, in every way in which a request can end. */

export const chat = (model: string, more: object = {}) => ({
  model,
  messages: [{ role: "user", content: "Hello" }],
  ...more,
});

const picture = new Blob([Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(500)])]);

/** A form with a picture. */
function form(fields: Readonly<Record<string, string>>): FormData {
  const made = new FormData();
  made.append("image", picture, "picture.png");
  for (const [name, value] of Object.entries(fields)) made.append(name, value);
  return made;
}

/** What one module is asked, and what of its answer is on the record. */
export interface Walk {
  readonly module: string;
  readonly path: string;
  readonly good: object;
  readonly invalid: { readonly body: object; readonly code: string; readonly param: string };
  readonly failing: object;
  /** Its records have the answer itself; else a document that says what there was. */
  readonly keepsAnswer: boolean;
  /** That document. Absent: a list. */
  readonly kept?: object;
  /** The answer is no JSON. */
  readonly isBytes?: true;
  /** It costs nothing. */
  readonly isFree?: true;
}

export const walks: readonly Walk[] = [
  {
    module: "chat",
    path: "/v1/chat/completions",
    good: chat("gpt-4o"),
    invalid: {
      body: { model: "gpt-4o", messages: [{ role: "user" }] },
      code: "missing_required_field",
      param: "messages[0].content",
    },
    failing: chat("sim-status-500"),
    keepsAnswer: true,
  },
  {
    module: "embeddings",
    path: "/v1/embeddings",
    good: { model: "text-embedding-3-small", input: ["Hello"] },
    invalid: {
      body: { model: "text-embedding-3-small", input: ["Hello", 7] },
      code: "invalid_value",
      param: "input[1]",
    },
    failing: { model: "embeddings/sim-status-500", input: "Hello" },
    keepsAnswer: false,
  },
  {
    module: "rerank",
    path: "/v2/rerank",
    good: { model: "rerank/sim-plain", query: "Hello?", documents: ["Hello", "you"] },
    invalid: {
      body: { model: "rerank/sim-plain", query: "Hello?", documents: ["Hello", { title: "you" }] },
      code: "missing_required_field",
      param: "documents[1].text",
    },
    failing: { model: "rerank/sim-status-500", query: "Hello?", documents: ["Hello"] },
    keepsAnswer: true,
  },
  {
    module: "moderation",
    path: "/v1/moderations",
    good: { input: "Hello" },
    invalid: { body: { input: ["Hello", ""] }, code: "invalid_value", param: "input[1]" },
    failing: { model: "moderation/sim-status-500", input: "Hello" },
    keepsAnswer: true,
    isFree: true,
  },
  {
    module: "image",
    path: "/v1/images/generations",
    good: { model: "image/sim-plain", prompt: "A hat" },
    invalid: { body: { model: "image/sim-plain", prompt: "A hat", n: 11 }, code: "invalid_value", param: "n" },
    failing: { model: "image/sim-status-500", prompt: "A hat" },
    keepsAnswer: false,
    kept: { data: [{ b64_json: expect.stringMatching(/^\[image\/png, \d+ bytes, sha256:/) }] },
  },
  {
    module: "image",
    path: "/v1/images/edits",
    good: form({ model: "image/sim-plain", prompt: "A hat" }),
    invalid: {
      body: form({ model: "image/sim-plain" }),
      code: "missing_required_field",
      param: "prompt",
    },
    failing: form({ model: "image/sim-status-500", prompt: "A hat" }),
    keepsAnswer: false,
    kept: { data: [{ b64_json: expect.stringMatching(/^\[image\/png, \d+ bytes, sha256:/) }] },
  },
  {
    module: "audio",
    path: "/v1/audio/speech",
    good: speechOf("sim-plain"),
    invalid: { body: { ...speechOf("sim-plain"), speed: 9 }, code: "invalid_value", param: "speed" },
    failing: speechOf("sim-status-500"),
    keepsAnswer: false,
    kept: { object: "audio", content_type: "audio/mpeg" },
    isBytes: true,
  },
  {
    module: "audio",
    path: "/v1/audio/transcriptions",
    good: speechIn({ model: "audio/sim-plain" }),
    invalid: {
      body: speechIn({ model: "audio/sim-plain", stream: "maybe" }),
      code: "invalid_value",
      param: "stream",
    },
    failing: speechIn({ model: "audio/sim-status-500" }),
    keepsAnswer: true,
  },
];

/** Streams that break off at the upstream, and streams that a client leaves. */
export const streams = [
  {
    path: "/v1/chat/completions",
    breaking: chat("sim-drop-stream", { stream: true }),
    slow: chat("sim-slow-chunks-50", { stream: true }),
  },
  {
    path: "/v1/images/generations",
    breaking: { model: "image/sim-drop-stream", prompt: "A hat", stream: true, partial_images: 3 },
    slow: { model: "image/sim-partials-100+slow-chunks-50", prompt: "A hat", stream: true },
  },
  {
    path: "/v1/audio/transcriptions",
    breaking: speechIn({ model: "audio/sim-drop-stream", stream: "true" }),
    slow: speechIn({ model: "audio/sim-slow-chunks-50", stream: "true" }),
  },
];

/** A request for speech of five characters. */
export function speechOf(model: string) {
  return { model: `speech/${model}`, voice: "alloy", input: "Hello" };
}

/** A form with a file of 5 seconds, by the size that the simulator counts. */
function speechIn(fields: Readonly<Record<string, string>>): FormData {
  const given = new FormData();
  given.set("file", new Blob([Buffer.alloc(20_000, "audio of no format. ")]), "speech.mp3");
  for (const [name, value] of Object.entries(fields)) given.set(name, value);
  return given;
}
