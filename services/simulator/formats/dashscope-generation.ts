import type { Route } from "../exchange.ts";
import { objectOf } from "../json.ts";
import { dashscopeImages } from "./image-vendors.ts";
import { dashscopeSpeech } from "./speech-vendors.ts";

/** POST .../multimodal-generation/generation: a text of its own is spoken, messages become images. */
export const dashscopeGeneration: Route = {
  ...dashscopeImages,
  answer(exchange, body, target) {
    const route = objectOf(body.input).text === undefined ? dashscopeImages : dashscopeSpeech;
    route.answer(exchange, body, target);
  },
};
