import { type Static, Type } from "typebox";
import { maybe, modelName, open } from "../schemas/json.ts";

/* POST /v1/videos (openai 7.59, resources/videos.d.ts). Unknown fields pass: vendors have many of their own. */

const seconds = maybe(
  Type.Union([Type.String({ pattern: "^[1-9][0-9]{0,2}$" }), Type.Integer({ minimum: 1, maximum: 999 })]),
);

/** Body of POST /v1/videos, whether it came as JSON or as a form. */
export const videosBody = open({
  model: modelName,
  prompt: Type.String({ minLength: 1, maxLength: 32_000 }),
  seconds,
  /** As many vendors call the seconds; `seconds` goes before it. */
  duration: seconds,
  size: maybe(Type.String({ pattern: "^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$" })),
  input_reference: maybe(
    Type.Union([
      Type.String({ minLength: 1 }),
      open({ image_url: maybe(Type.String({ minLength: 1 })), file_id: maybe(Type.String({ minLength: 1 })) }),
    ]),
  ),
  user: maybe(Type.String()),
  /** Where its end is told; it does not travel on. */
  callback_url: maybe(Type.String({ minLength: 1, maxLength: 2_048 })),
});

/** Body of POST /v1/videos, checked. */
export type VideosBody = Static<typeof videosBody>;

/** Body of POST /v1/videos/{id}/remix. */
export const remixBody = open({
  prompt: Type.String({ minLength: 1, maxLength: 32_000 }),
  callback_url: maybe(Type.String({ minLength: 1, maxLength: 2_048 })),
});

/** Body of POST /v1/videos/{id}/remix, checked. */
export type RemixBody = Static<typeof remixBody>;
