import { z } from "zod";

/** A channel's `flavour`: how an upstream that speaks Anthropic's format differs from Anthropic. */
const flavourSchema = z.strictObject({
  /** Header of the credential; "authorization" carries it as a Bearer. */
  auth_header: z.string().default("x-api-key"),
  /** Behind the base URL. */
  path: z.string().default("/v1/messages"),
  /** Empty: the upstream does not count tokens; they are estimated. */
  count_path: z.string().default("/v1/messages/count_tokens"),
  /** Version of the format where the client names none. */
  version: z.string().default("2023-06-01"),
  /** Bound on output tokens of a request that names none; absent: by the model. */
  default_max_tokens: z.number().int().positive().optional(),
  /** Name of the model whose rules count, for upstreams that name their models otherwise, e.g. "claude-sonnet-4-5". */
  like: z.string().optional(),
  /** True: clients may ask for service above the standard, which costs more than the model's price. */
  premium: z.boolean().default(false),
});

/** How an upstream that speaks Anthropic's format differs from Anthropic. */
export interface MessagesFlavour {
  readonly authHeader: string;
  readonly path: string;
  readonly countPath: string;
  readonly version: string;
  readonly defaultMaxTokens: number | undefined;
  readonly like: string | undefined;
  readonly premium: boolean;
}

/** Reads a channel's flavour. Throws a ZodError that names the field. */
export function readFlavour(json: string): MessagesFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  return {
    authHeader: given.auth_header.toLowerCase(),
    path: given.path,
    countPath: given.count_path,
    version: given.version,
    defaultMaxTokens: given.default_max_tokens,
    like: given.like,
    premium: given.premium,
  };
}
