import { z } from "zod";

/** A channel's `flavour`: how an upstream that speaks Gemini's format differs from Google's own API. */
const flavourSchema = z.strictObject({
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().default("x-goog-api-key"),
  /** Behind the base URL; `{model}` stands for the model. What is done follows behind a colon. */
  path: z.string().default("/models/{model}"),
  /** The upstream counts tokens; false: they are estimated. */
  counts: z.boolean().default(true),
  /** Calls and their results carry IDs; false: they are matched by name and order alone. */
  call_ids: z.boolean().default(true),
  /** Settings of a request that names none: `[{category, threshold}]`. */
  safety_settings: z.array(z.strictObject({ category: z.string(), threshold: z.string() })).default([]),
  /** Name of the model whose rules count, for upstreams that name their models otherwise, e.g. "gemini-2.5-flash". */
  like: z.string().optional(),
  /** True: clients may ask for service above the standard, which costs more than the model's price. */
  premium: z.boolean().default(false),
  /** Names of voices that clients may say, and what the upstream calls them. */
  voices: z.record(z.string(), z.string()).default({}),
});

/** How an upstream that speaks Gemini's format differs from Google's own API. */
export interface GeminiFlavour {
  readonly authHeader: string;
  readonly path: string;
  readonly counts: boolean;
  readonly callIds: boolean;
  readonly safetySettings: readonly { readonly category: string; readonly threshold: string }[];
  readonly like: string | undefined;
  readonly premium: boolean;
  readonly voices: Readonly<Record<string, string>>;
}

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): GeminiFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return {
    authHeader: given.auth_header.toLowerCase(),
    path: given.path,
    counts: given.counts,
    callIds: given.call_ids,
    safetySettings: given.safety_settings,
    like: given.like,
    premium: given.premium,
    voices: given.voices,
  };
}
