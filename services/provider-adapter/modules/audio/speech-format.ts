import type { UpstreamMessage } from "../../domain/exchange.ts";
import type { Notes } from "../../domain/notes.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { SpeechCounts, SpeechRequest } from "./speech.ts";

/** A wire format of upstreams that speak, other than OpenAI's. */
export interface SpeechFormat {
  /** Writes a request. Throws invalid_value with the path of a voice, a format or a speed that the vendor does not have. */
  write(request: SpeechRequest, upstreamModel: string, note: Notes["note"]): SpeechMessage;
  /** Reads a JSON document: a whole answer, or the data of one event. Throws the error that it tells. */
  read(json: JsonObject): Spoken;
}

/** A written request, and what its answer is made into. */
export interface SpeechMessage {
  readonly message: UpstreamMessage;
  /** What the client gets: mp3, opus, aac, flac, wav or pcm. */
  readonly format: string;
  /** True: the upstream sends samples alone, and the client gets the head of a WAV file before them. */
  readonly headed: boolean;
}

/** What one document of an answer brings. */
export interface Spoken {
  readonly audio?: Uint8Array | undefined;
  /** True: the audio is all of it, and repeats what came in pieces before. */
  readonly isAll?: boolean | undefined;
  /** Samples a second, where the audio is samples alone. Absent: as OpenAI's pcm has them. */
  readonly sampleRate?: number | undefined;
  /** So far. */
  readonly counts?: SpeechCounts | undefined;
  /** True: nothing comes after it. */
  readonly isLast?: boolean | undefined;
  /** The vendor's name of the request. */
  readonly id?: string | undefined;
}
