import { z } from "zod";
import { type MessagesFlavour, readFlavour as readMessagesFlavour } from "../anthropic/flavour.ts";
import { type GeminiFlavour, readFlavour as readGeminiFlavour } from "../gemini/flavour.ts";

/** A channel's `flavour`: how Vertex AI is asked. */
const flavourSchema = z.strictObject({
  /** The upstream counts tokens; false: they are estimated. */
  counts: z.boolean().optional(),
  /** Safety settings of requests to Google's models that name none. */
  safety_settings: z.array(z.strictObject({ category: z.string(), threshold: z.string() })).optional(),
  /** Bound on output tokens of requests to Anthropic's models that name none; absent: by the model. */
  default_max_tokens: z.number().int().positive().optional(),
  /** True: clients may ask for service above the standard, which costs more than the model's price. */
  premium: z.boolean().optional(),
  /** Names of voices that clients may say, and what Google calls them. */
  voices: z.record(z.string(), z.string()).optional(),
});

/** How Vertex AI is asked, by whose model it is. */
export interface VertexFlavour {
  readonly counts: boolean;
  readonly google: GeminiFlavour;
  readonly anthropic: MessagesFlavour;
}

/** Version of Anthropic's format on this platform. It stands in the body (platform.claude.com: "Claude on Vertex AI"). */
export const vertexVersion = "vertex-2023-10-16";

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): VertexFlavour {
  const { counts = true, default_max_tokens, ...google } = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  const { premium } = google;
  return {
    counts,
    google: readGeminiFlavour(
      JSON.stringify({ ...google, auth_header: "authorization", path: "/publishers/google/models/{model}" }),
    ),
    anthropic: readMessagesFlavour(JSON.stringify({ premium, default_max_tokens, version: vertexVersion })),
  };
}
