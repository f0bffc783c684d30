import type { Route, Target } from "./exchange.ts";
import {
  cancelMessageBatch,
  createMessageBatch,
  deleteMessageBatch,
  listMessageBatches,
  messageBatchResults,
  retrieveMessageBatch,
} from "./formats/anthropic-batches.ts";
import { countTokens, messages } from "./formats/anthropic-messages.ts";
import { transcriptions, translations } from "./formats/audio.ts";
import { elevenLabsTranscription, mistralTranscription, openrouterTranscription } from "./formats/audio-vendors.ts";
import { converse, converseCount, converseStream } from "./formats/bedrock.ts";
import { dashscopeGeneration } from "./formats/dashscope-generation.ts";
import { cohereEmbed, embeddings } from "./formats/embeddings.ts";
import { geminiModels } from "./formats/gemini.ts";
import {
  minimaxImages,
  openrouterImages,
  seedreamImages,
  siliconflowImages,
  zhipuImages,
} from "./formats/image-vendors.ts";
import { imageEdits, imageGenerations } from "./formats/images.ts";
import { listGeminiModels, listModels } from "./formats/models.ts";
import { mistralModerations, moderations, zhipuModerations } from "./formats/moderations.ts";
import {
  cancelBatch,
  createBatch,
  createFile,
  deleteFile,
  fileContent,
  listBatches,
  retrieveBatch,
  retrieveFile,
} from "./formats/openai-batches.ts";
import { chatCompletions } from "./formats/openai-chat.ts";
import { responses } from "./formats/openai-responses.ts";

import { cohereRerank, dashscopeRerank, rerank, teiRerank } from "./formats/rerank.ts";

import { speech } from "./formats/speech.ts";
import { elevenLabsSpeech, minimaxSpeech } from "./formats/speech-vendors.ts";
import { googleToken, vertexAnthropic, vertexGoogle } from "./formats/vertex.ts";
import { createVideo, deleteVideo, listVideos, remixVideo, retrieveVideo, videoContent } from "./formats/videos.ts";

/** A route with what its path says. */
export interface RouteMatch extends Target {
  readonly route: Route;
}

const fixed: Readonly<Record<string, Route>> = {
  "POST /v1/chat/completions": chatCompletions,
  "POST /v1/messages": messages,
  "POST /v1/messages/count_tokens": countTokens,
  "POST /v1/responses": responses,
  "POST /v1/embeddings": embeddings,
  "POST /v2/embed": cohereEmbed,
  "POST /v1/audio/transcriptions": transcriptions,
  "POST /v1/audio/translations": translations,
  "POST /v2/rerank": cohereRerank,
  "POST /v1/rerank": rerank,
  "POST /rerank": rerank,
  "POST /compatible-api/v1/reranks": dashscopeRerank,
  "POST /v1/audio/speech": speech,
  "POST /v1/t2a_v2": minimaxSpeech,
  "POST /v1/speech-to-text": elevenLabsTranscription,
  "POST /mistral/v1/audio/transcriptions": mistralTranscription,
  "POST /openrouter/v1/audio/transcriptions": openrouterTranscription,
  "POST /v1/images/generations": imageGenerations,
  "POST /v1/images/edits": imageEdits,
  "POST /v1/images": openrouterImages,
  "POST /api/v1/services/aigc/multimodal-generation/generation": dashscopeGeneration,
  "POST /api/paas/v4/images/generations": zhipuImages,
  "POST /siliconflow/v1/images/generations": siliconflowImages,
  "POST /api/v3/images/generations": seedreamImages,
  "POST /v1/image_generation": minimaxImages,
  "POST /v1/videos": createVideo,
  "GET /v1/videos": listVideos,
  "POST /v1/files": createFile,
  "POST /v1/batches": createBatch,
  "GET /v1/batches": listBatches,
  "POST /v1/messages/batches": createMessageBatch,
  "GET /v1/messages/batches": listMessageBatches,
  "POST /v1/moderations": moderations,
  "POST /mistral/v1/moderations": mistralModerations,
  "POST /api/paas/v4/moderations": zhipuModerations,
  "POST /token": googleToken,
  "GET /v1/models": listModels,
  "GET /v1beta/models": listGeminiModels,
};
/** By method and what is wanted of a job. */
const videoRoutes: Readonly<Record<string, Route>> = {
  "GET ": retrieveVideo,
  "DELETE ": deleteVideo,
  "GET content": videoContent,
  "POST remix": remixVideo,
};
/** By method, collection and what is wanted of one. */
const batchRoutes: Readonly<Record<string, Route>> = {
  "GET files ": retrieveFile,
  "GET files content": fileContent,
  "DELETE files ": deleteFile,
  "GET batches ": retrieveBatch,
  "POST batches cancel": cancelBatch,
  "GET messages/batches ": retrieveMessageBatch,
  "POST messages/batches cancel": cancelMessageBatch,
  "GET messages/batches results": messageBatchResults,
  "DELETE messages/batches ": deleteMessageBatch,
};
const batchPath = /^\/v1\/(files|batches|messages\/batches)\/([^/]+)(?:\/(content|cancel|results))?$/;
const matches: ReadonlyMap<string, RouteMatch> = new Map(
  Object.entries(fixed).map(([key, route]) => [key, { route, model: undefined, verb: "", query: "" }]),
);
const videoPath = /^\/v1\/videos\/([^/]+)(?:\/(content|remix))?$/;
const teiPath = /^\/tei\/([^/]+)\/rerank$/;
const elevenLabsPath = /^\/v1\/text-to-speech\/([^/]+)(?:\/stream)?$/;
/** Azure names the model in the path: what follows is as OpenAI has it. */
const azurePath = /^\/openai\/deployments\/([^/]+)(\/.+)$/;
const bedrockPath = /^\/model\/([^/]+)\/(converse|converse-stream|count-tokens)$/;
const bedrockRoutes: Readonly<Record<string, Route>> = {
  converse,
  "converse-stream": converseStream,
  "count-tokens": converseCount,
};
const vertexPath =
  /^\/v1\/projects\/[^/]+\/locations\/[^/]+\/publishers\/(google|anthropic)\/models\/([^/:]+):([A-Za-z]+)$/;
const geminiPath = /^\/v1(?:beta)?\/models\/([^/:]+):([A-Za-z]+)$/;

/** The route of a method and a request target; undefined if there is none. */
export function findRoute(method: string, target: string): RouteMatch | undefined {
  const direct = matches.get(`${method} ${target}`);
  if (direct !== undefined) return direct;
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark + 1);
  const plain = matches.get(`${method} ${path}`);
  if (plain !== undefined) return { ...plain, query };
  const [, served] = teiPath.exec(path) ?? [];
  if (method === "POST" && served !== undefined) return { route: teiRerank, model: decode(served), verb: "", query };
  const [, voice] = elevenLabsPath.exec(path) ?? [];
  if (method === "POST" && voice !== undefined) {
    return { route: elevenLabsSpeech, model: undefined, verb: decode(voice), query };
  }
  const [, deployment, rest] = azurePath.exec(path) ?? [];
  const behind = deployment === undefined ? undefined : matches.get(`${method} /v1${rest}`);
  if (behind !== undefined) return { ...behind, model: decode(deployment ?? ""), query };
  const [, job, wanted = ""] = videoPath.exec(path) ?? [];
  if (job !== undefined) {
    const route = videoRoutes[`${method} ${wanted}`];
    // A remix names no model: it has that of its video.
    const model = wanted === "remix" ? "sim-plain" : undefined;
    return route === undefined ? undefined : { route, model, verb: wanted, id: decode(job), query };
  }
  const [, collection, one, what = ""] = batchPath.exec(path) ?? [];
  if (one !== undefined) {
    const route = batchRoutes[`${method} ${collection} ${what}`];
    return route === undefined ? undefined : { route, model: undefined, verb: what, id: decode(one), query };
  }
  const [, profile, wish = ""] = bedrockPath.exec(path) ?? [];
  const converses = profile === undefined || method !== "POST" ? undefined : bedrockRoutes[wish];
  if (converses !== undefined) return { route: converses, model: decode(profile ?? ""), verb: wish, query };
  const [, publisher, published, act = ""] = vertexPath.exec(path) ?? [];
  if (method === "POST" && published !== undefined) {
    const route = publisher === "google" ? vertexGoogle : vertexAnthropic;
    return { route, model: decode(published), verb: act, query };
  }
  const [, model, verb] = geminiPath.exec(path) ?? [];
  if (method !== "POST" || model === undefined || verb === undefined) return undefined;
  return { route: geminiModels, model: decode(model), verb, query };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
