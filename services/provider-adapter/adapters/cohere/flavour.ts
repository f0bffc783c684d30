import { z } from "zod";

/** A channel's `flavour`: how an upstream that speaks Cohere's formats differs from Cohere's own API. */
const flavourSchema = z.strictObject({
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().default("authorization"),
  /** Behind the base URL: where rankings are asked for. */
  rerank_path: z.string().default("/v2/rerank"),
});

/** How an upstream that speaks Cohere's formats differs from Cohere's own API. */
export interface CohereFlavour {
  readonly authHeader: string;
  readonly rerankPath: string;
}

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): CohereFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return { authHeader: given.auth_header.toLowerCase(), rerankPath: given.rerank_path };
}
