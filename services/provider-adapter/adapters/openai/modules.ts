import { openaiAudio } from "./audio/index.ts";
import { openaiEmbeddings } from "./embeddings/index.ts";
import { openaiImage } from "./image/index.ts";
import { openaiModeration } from "./moderation/index.ts";
import type { OpenaiModule } from "./module.ts";
import { openaiRerank } from "./rerank/index.ts";
import { openaiVideoModule } from "./video/index.ts";

/** Every module beside chat that goes by a flavour's `modules`: one row each. */
export const openaiModules: readonly OpenaiModule[] = [
  openaiEmbeddings,
  openaiRerank,
  openaiModeration,
  openaiImage,
  openaiAudio,
  openaiVideoModule,
];
