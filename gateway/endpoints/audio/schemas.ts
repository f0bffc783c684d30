import { type Static, Type } from "typebox";
import { maybe, modelName, oneOf, open } from "../schemas/json.ts";

/* POST /v1/audio/speech (openai 7.59, resources/audio/speech.d.ts). Unknown fields pass. */

/** Body of POST /v1/audio/speech. Vendors take 4,096 characters (OpenAI) to 40,000 (ElevenLabs): the upstream judges the length. */
export const speechBody = open({
  model: modelName,
  input: Type.String({ minLength: 1 }),
  voice: Type.Union([Type.String({ minLength: 1, maxLength: 256 }), open({ id: Type.String({ minLength: 1 }) })]),
  instructions: maybe(Type.String()),
  response_format: maybe(oneOf("mp3", "opus", "aac", "flac", "wav", "pcm")),
  speed: maybe(Type.Number({ minimum: 0.25, maximum: 4 })),
  stream_format: maybe(oneOf("audio", "sse")),
});

/** Body of POST /v1/audio/speech, checked. */
export type SpeechBody = Static<typeof speechBody>;
