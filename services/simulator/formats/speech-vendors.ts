import { deliverBytes, deliverError, deliverJson, deliverStream } from "../deliver.ts";
import { InvalidRequest, type Route, type WireFormat } from "../exchange.ts";
import { failureOf } from "../failures.ts";
import { objectOf, stringOf } from "../json.ts";
import { dashscopeFormat } from "./rerank.ts";
import { durationOf, piecesOf, soundOf, speechTokens } from "./speech.ts";

/** ElevenLabs: errors stand in `detail`. */
export const elevenLabsFormat: WireFormat = {
  requestIdHeader: "request-id",
  errorBody: ({ code, message }) => JSON.stringify({ detail: { status: code, message } }),
};

/** MiniMax's codes of statuses. */
const minimaxCodes: Readonly<Record<number, number>> = { 400: 2013, 401: 1004, 402: 1008, 404: 2054, 429: 1002 };

/** MiniMax: errors stand in `base_resp`. */
const minimaxFormat: WireFormat = {
  requestIdHeader: "trace-id",
  errorBody: ({ status, message }, trace_id) =>
    JSON.stringify({ trace_id, base_resp: { status_code: minimaxCodes[status] ?? 1000, status_msg: message } }),
};

/** POST /v1/text-to-speech/{voice}/stream: bytes in the format that the query names. Voices are IDs of 20 characters. */
export const elevenLabsSpeech: Route = {
  format: elevenLabsFormat,
  readsBody: true,
  answer(exchange, body, { verb: voice, query }) {
    const text = stringOf(body.text);
    if (text === "") throw new InvalidRequest("text must not be empty", "text");
    if (!/^[A-Za-z0-9]{20}$/.test(voice)) {
      const message = `Simulated: A voice with voice_id ${voice} was not found.`;
      deliverError(exchange, elevenLabsFormat, { ...failureOf(404), code: "voice_not_found", message });
      return;
    }
    const wanted = new URLSearchParams(query).get("output_format") ?? "mp3_44100_128";
    deliverBytes(exchange, elevenLabsFormat, soundOf(wanted.replace(/_.*$/, ""), text, exchange.behaviour));
  },
};

/** POST /v1/t2a_v2: audio in hex, as events or whole. A voice that there is not is told with status 200. */
export const minimaxSpeech: Route = {
  format: minimaxFormat,
  readsBody: true,
  answer(exchange, body) {
    const { behaviour, id } = exchange;
    const text = stringOf(body.text);
    const voice = stringOf(objectOf(body.voice_setting).voice_id);
    if (voice.startsWith("nobody")) {
      const message = "Simulated: voice id not exist";
      deliverError(exchange, minimaxFormat, { ...failureOf(404), message }, 200);
      return;
    }
    const format = stringOf(objectOf(body.audio_setting).format) || "mp3";
    const pieces = piecesOf(soundOf(format, text, behaviour), behaviour.empty === "content");
    const fine = { trace_id: id, base_resp: { status_code: 0, status_msg: "success" } };
    const extra_info = { audio_length: durationOf(text), usage_characters: [...text].length, audio_format: format };
    const counted = behaviour.usage ? { extra_info } : {};
    const all = Buffer.concat(pieces).toString("hex");
    if (body.stream !== true) {
      const data = { audio: all, status: 2 };
      deliverJson(exchange, minimaxFormat, JSON.stringify({ data, ...counted, ...fine }));
      return;
    }
    const isShort = objectOf(body.stream_options).exclude_aggregated_audio === true;
    const frame = (event: object) => `data: ${JSON.stringify(event)}\n\n`;
    deliverStream(exchange, minimaxFormat, {
      contentType: "text/event-stream",
      open: [],
      tokens: pieces.map((piece) => frame({ data: { audio: piece.toString("hex"), status: 1 }, ...fine })),
      tokenCount: pieces.length,
      close: behaviour.done ? [frame({ data: { audio: isShort ? "" : all, status: 2 }, ...counted, ...fine })] : [],
      done: "",
      malformed: 'data: {"data":{"audio":"00\n\n',
      error: `data: ${minimaxFormat.errorBody(failureOf(500), id)}\n\n`,
    });
  },
};

/** POST .../multimodal-generation/generation of Qwen's TTS, as events: samples of 24 kHz in base64. */
export const dashscopeSpeech: Route = {
  format: dashscopeFormat,
  readsBody: true,
  answer(exchange, body) {
    const { behaviour, id, model } = exchange;
    const { text, voice } = objectOf(body.input);
    const said = stringOf(text);
    if (said === "") throw new InvalidRequest("input.text must not be empty", "input.text");
    if (stringOf(voice).startsWith("Nobody"))
      throw new InvalidRequest(`Voice '${stringOf(voice)}' is not supported.`, null);
    const pieces = piecesOf(soundOf("pcm", said, behaviour), behaviour.empty === "content");
    const { inputTokens, outputTokens } = speechTokens(said);
    // Newer models count characters, the first one tokens.
    const usage = model.startsWith("qwen-tts")
      ? { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
      : { characters: [...said].length };
    const counted = behaviour.usage ? { usage } : {};
    const frame = (data: string, finish_reason: string) => {
      const event = { output: { audio: { data, id: `audio_${id}` }, finish_reason }, ...counted, request_id: id };
      return `id:1\nevent:result\n:HTTP_STATUS/200\ndata:${JSON.stringify(event)}\n\n`;
    };
    deliverStream(exchange, dashscopeFormat, {
      contentType: "text/event-stream;charset=UTF-8",
      open: [],
      tokens: pieces.map((piece) => frame(piece.toString("base64"), "null")),
      tokenCount: pieces.length,
      close: behaviour.done ? [frame("", "stop")] : [],
      done: "",
      malformed: 'data:{"output":{"audio":\n\n',
      error: `event:error\ndata:${dashscopeFormat.errorBody(failureOf(500), id)}\n\n`,
    });
  },
};
