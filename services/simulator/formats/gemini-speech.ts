import { deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest } from "../exchange.ts";
import { arrayOf, type Json, objectOf, stringOf } from "../json.ts";
import { geminiFormat } from "./gemini-format.ts";
import { piecesOf, soundOf, speechTokens } from "./speech.ts";

/** True: an answer of audio is asked for. */
export function wantsSpeech(body: Json): boolean {
  return arrayOf(objectOf(body.generationConfig).responseModalities).includes("AUDIO");
}

/** Samples of 24 kHz in base64, all of them at once. Names of voices begin with a capital letter. */
export function speakGemini(exchange: Exchange, body: Json): void {
  const { behaviour, model } = exchange;
  const [turn] = arrayOf(body.contents).map(objectOf);
  const text = stringOf(objectOf(arrayOf(turn?.parts)[0]).text);
  if (text === "") throw new InvalidRequest("contents is not specified", "contents");
  const voice = objectOf(objectOf(objectOf(body.generationConfig).speechConfig).voiceConfig);
  const name = stringOf(objectOf(voice.prebuiltVoiceConfig).voiceName);
  if (!/^[A-Z][a-z]+$/.test(name)) throw new InvalidRequest(`Voice name ${name} is not supported.`, null);
  const data = Buffer.concat(piecesOf(soundOf("pcm", text, behaviour))).toString("base64");
  const { inputTokens, outputTokens } = speechTokens(text);
  const part = { inlineData: { mimeType: "audio/L16;codec=pcm;rate=24000", data } };
  const content = behaviour.empty === "content" ? {} : { content: { role: "model", parts: [part] } };
  const usageMetadata = {
    promptTokenCount: inputTokens,
    candidatesTokenCount: outputTokens,
    totalTokenCount: inputTokens + outputTokens,
    candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: outputTokens }],
  };
  const answer = {
    candidates: [{ ...content, finishReason: behaviour.filtered ? "PROHIBITED_CONTENT" : "STOP", index: 0 }],
    ...(behaviour.usage ? { usageMetadata } : {}),
    modelVersion: model,
    responseId: exchange.id,
  };
  deliverJson(exchange, geminiFormat, JSON.stringify(answer));
}
