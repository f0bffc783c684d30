import type { FastifyInstance } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { type Admission, publicKinds } from "../../edge/admission.ts";

const admission: Admission = {
  kinds: publicKinds,
  scope: "image",
  endpoint: { dialect: "openai.image_variations", module: Module.IMAGE },
  fresh: false,
};

/** POST /v1/images/variations: retired by OpenAI. Whoever has a key is told what became of it, before the body is read. */
export function imageVariations(edge: FastifyInstance): void {
  edge.post("/v1/images/variations", {
    config: { admission },
    onRequest: (_request, _reply, done) => done(retired()),
    handler: () => {
      throw retired();
    },
  });
}

function retired(): ThroughlineError {
  return new ThroughlineError(
    "not_found",
    "POST /v1/images/variations no longer exists: OpenAI retired it together with its only model, dall-e-2. Send the image with a prompt to POST /v1/images/edits.",
  );
}
