import { transcriptions, translations } from "./audio/transcriptions.ts";
import type { FormEndpoint } from "./endpoint.ts";
import { imageEdits } from "./images/edits.ts";

/** Every endpoint that costs money and takes a form with files: one row each. */
export const formEndpoints: readonly FormEndpoint[] = [transcriptions, translations, imageEdits];
