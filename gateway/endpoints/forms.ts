import { transcriptions, translations } from "./audio/transcriptions.ts";
import { imageEdits } from "./images/edits.ts";
import type { FormEndpoint } from "./paid-endpoint.ts";

/** Every endpoint that costs money and takes a form with files: one row each. */
export const formEndpoints: readonly FormEndpoint[] = [transcriptions, translations, imageEdits];
