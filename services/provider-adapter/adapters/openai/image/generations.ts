import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import { errorIn } from "../../../domain/error-in-answer.ts";
import type { Asked, Exchange } from "../../../domain/exchange.ts";
import { endpointPath, type OpenaiFlavour } from "../../../domain/flavour.ts";
import { createImageEvents } from "../../../modules/image/image-events.ts";
import { imageDocument, imageUsage, readImageRequest } from "../../../modules/image/images.ts";
import { asArray, asObject, asString, parseJson } from "../../../wire/json.ts";
import { patchJson } from "../../../wire/patch-json.ts";

/** Images of OpenAI and of those that speak its format: the body goes on but for the model's name, the answer as it is. */
export function generationsExchange(asked: Asked, flavour: OpenaiFlavour): Exchange {
  const request = readImageRequest(asked);
  return {
    message: {
      path: endpointPath(flavour, asked.upstreamModel, "images/generations"),
      headers: {},
      body: patchJson(asked.body, { model: JSON.stringify(asked.upstreamModel) }),
    },
    notes: [],
    whole(body) {
      const answer = asObject(parseJson(body.toString()));
      if (answer === undefined) {
        throw new ThroughlineError("upstream_error", "The upstream's answer is not a JSON object.");
      }
      const error = errorIn(answer);
      if (error !== undefined) throw flavour.streamError(error);
      const images = asArray(answer.data).filter((item) => {
        const { url, b64_json: base64 } = asObject(item) ?? {};
        return Boolean(asString(url) ?? asString(base64));
      }).length;
      if (images === 0) throw flavour.streamError({ message: "its answer has no image" });
      return {
        body,
        ...(asked.keepResponse ? { document: imageDocument(answer) } : {}),
        usage: imageUsage(asked, request, {
          images,
          size: asString(answer.size) ?? request.size,
          quality: asString(answer.quality) ?? request.quality,
          usage: asObject(answer.usage),
        }),
        finishReason: "",
        messageId: "",
        responseModel: "",
      };
    },
    stream: () => createImageEvents(asked, request, flavour.streamError),
  };
}
