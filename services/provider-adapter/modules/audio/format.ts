import type { ThroughlineError } from "../../../../shared/errors/error.ts";
import type { UpstreamMessage } from "../../domain/exchange.ts";
import type { JsonObject } from "../../wire/json.ts";
import type { TranscriptionRequest } from "./request.ts";
import type { Transcript } from "./transcript.ts";

/** A wire format of upstreams that transcribe. */
export interface TranscriptionFormat {
  /**
   * Asks for what carries usage and times, whatever the client wants of it: that is rendered here. Throws invalid_value with
   * the path of what the vendor cannot do.
   */
  write(request: TranscriptionRequest, upstreamModel: string, note: (text: string) => void): UpstreamMessage;
  /** Reads an answer; undefined: it is none. */
  read(json: JsonObject, request: TranscriptionRequest): Transcript | undefined;
  /** An event of a stream in OpenAI's words; undefined: the client does not get it. Absent: the vendor's words are OpenAI's. */
  event?(json: JsonObject, request: TranscriptionRequest): JsonObject | undefined;
  /** The error inside an answer with status 200; undefined: there is none. Absent: it stands under `error`. */
  errorIn?(json: JsonObject): JsonObject | undefined;
  /** The failure of an error object inside an answer with status 200. */
  inBandError(error: JsonObject): ThroughlineError;
}
