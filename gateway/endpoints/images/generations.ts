import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { openaiInBandError } from "../../answers/in-band-errors.ts";
import type { Endpoint } from "../paid-endpoint.ts";
import { imageDemand } from "./image-demand.ts";
import { imagesBody } from "./schema.ts";

/** POST /v1/images/generations: images of a prompt, as one document or as events. */
export const imageGenerations: Endpoint<typeof imagesBody> = {
  paths: ["/v1/images/generations"],
  module: Module.IMAGE,
  dialect: "openai.images",
  body: imagesBody,
  inBandError: openaiInBandError,
  keepsAnswer: false,
  read: (body) => imageDemand(body),
};
