import { type Static, Type } from "typebox";
import { maybe, modelName, open, tokenCeiling } from "../../schemas/json.ts";

/* POST /v1/completions (openai 7.55, resources/completions.d.ts). Unknown fields pass. */

const tokens = Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 });

/** Body of POST /v1/completions. */
export const completionsBody = open({
  model: modelName,
  prompt: Type.Union([
    Type.String(),
    Type.Array(Type.String(), { minItems: 1 }),
    tokens,
    Type.Array(tokens, { minItems: 1 }),
  ]),
  suffix: maybe(Type.String()),
  max_tokens: maybe(tokenCeiling(0)),
  temperature: maybe(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: maybe(Type.Number({ minimum: 0, maximum: 1 })),
  n: maybe(Type.Integer({ minimum: 1, maximum: 128 })),
  best_of: maybe(Type.Integer({ minimum: 1, maximum: 20 })),
  stream: maybe(Type.Boolean()),
  stream_options: maybe(open({ include_usage: maybe(Type.Boolean()) })),
  logprobs: maybe(Type.Integer({ minimum: 0, maximum: 5 })),
  echo: maybe(Type.Boolean()),
  stop: maybe(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 4 })])),
  presence_penalty: maybe(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: maybe(Type.Number({ minimum: -2, maximum: 2 })),
  logit_bias: maybe(Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 }))),
  seed: maybe(Type.Number()),
  user: maybe(Type.String()),
});

/** Body of POST /v1/completions, checked. */
export type CompletionsBody = Static<typeof completionsBody>;
