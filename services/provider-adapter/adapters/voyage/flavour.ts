import { z } from "zod";

/** A channel's `flavour`: how an upstream that speaks Voyage's formats differs from Voyage's own API. */
const flavourSchema = z.strictObject({
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().default("authorization"),
});

/** How an upstream that speaks Voyage's formats differs from Voyage's own API. */
export interface VoyageFlavour {
  readonly authHeader: string;
}

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): VoyageFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return { authHeader: given.auth_header.toLowerCase() };
}
