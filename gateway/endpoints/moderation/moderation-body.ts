import { type Static, Type } from "typebox";
import { byType, maybe, modelName, open } from "../schemas/json.ts";

/** Most inputs of one request: twice what vendors are known to take, each of which says by itself what is too many. */
export const maxInputs = 2_048;

const text = Type.String({ minLength: 1 });
const part = byType({
  text: open({ text }),
  image_url: open({ image_url: open({ url: Type.String({ minLength: 1 }) }) }),
});

/** Body of POST /v1/moderations (openai 7.55, resources/moderations.d.ts). Unknown fields pass. */
export const moderationBody = open({
  model: maybe(modelName),
  input: Type.Union([
    text,
    Type.Array(text, { minItems: 1, maxItems: maxInputs }),
    Type.Array(part, { minItems: 1, maxItems: maxInputs }),
  ]),
});

/** Body of POST /v1/moderations, checked. */
export type ModerationBody = Static<typeof moderationBody>;
