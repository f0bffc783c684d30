import { z } from "zod";

/** A channel's `flavour`: how an upstream that speaks Cohere's formats differs from Cohere's own API. */
const flavourSchema = z.strictObject({
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().default("authorization"),
  /** Behind the base URL: where rankings are asked for. */
  rerank_path: z.string().default("/v2/rerank"),
  /** Behind the base URL: where embeddings are asked for. */
  embed_path: z.string().default("/v2/embed"),
});

/** How an upstream that speaks Cohere's formats differs from Cohere's own API. */
export interface CohereFlavour {
  readonly authHeader: string;
  readonly rerankPath: string;
  readonly embedPath: string;
}

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): CohereFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return {
    authHeader: given.auth_header.toLowerCase(),
    rerankPath: given.rerank_path,
    embedPath: given.embed_path,
  };
}
