import { afterAll, beforeAll, describe } from "vitest";
import { testBatches } from "./batches.ts";
import { testEmbeddings } from "./embeddings.ts";
import { testFiles } from "./files.ts";
import { type ModulesHouse, startModulesHouse } from "./house.ts";
import { testImages } from "./images.ts";
import { testSpeech } from "./speech.ts";
import { testTranscription } from "./transcription.ts";

/*
 * Each module as its SDKs call it, over one `mesh`: there all that is said is written for gRPC and read again. That `up`
 * serves each module too is seen by the walk (walk.test.ts), and of files and batches by vendor-batches.test.ts.
 */

let house: ModulesHouse;
beforeAll(async () => {
  house = await startModulesHouse();
}, 90_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

describe("embeddings", () => testEmbeddings(() => house));
describe("images", () => testImages(() => house));
describe("speech", () => testSpeech(() => house));
describe("files", () => testFiles(() => house));
describe("batches", () => testBatches(() => house));
// Its last test kills the gateway.
describe("transcription", () => testTranscription(() => house));
