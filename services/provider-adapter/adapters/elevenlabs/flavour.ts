import { z } from "zod";

/** A channel's `flavour`: how an upstream that speaks ElevenLabs' formats differs from its own API. */
const flavourSchema = z.strictObject({
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().default("xi-api-key"),
  /** Behind the base URL; `{voice}` stands for the voice. */
  speech_path: z.string().default("/v1/text-to-speech/{voice}/stream"),
  /** Behind the base URL: where transcripts are asked for. */
  transcription_path: z.string().default("/v1/speech-to-text"),
  /** Names of voices that clients may say, and the IDs that they stand for. */
  voices: z.record(z.string(), z.string()).default({}),
});

/** How an upstream that speaks ElevenLabs' formats differs from its own API. */
export interface ElevenLabsFlavour {
  readonly authHeader: string;
  readonly speechPath: string;
  readonly transcriptionPath: string;
  readonly voices: Readonly<Record<string, string>>;
}

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): ElevenLabsFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return {
    authHeader: given.auth_header.toLowerCase(),
    speechPath: given.speech_path,
    transcriptionPath: given.transcription_path,
    voices: given.voices,
  };
}
