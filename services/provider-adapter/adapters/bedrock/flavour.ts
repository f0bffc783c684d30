import { z } from "zod";

/** A channel's `flavour`: how Bedrock is asked. */
const flavourSchema = z.strictObject({
  /** Region that requests are signed for. Absent: that of the base URL's host. */
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, "must be a region, such as us-east-1")
    .optional(),
  /** Guardrail that every request is held to. */
  guardrail: z
    .strictObject({ id: z.string().min(1), version: z.union([z.string().min(1), z.int()]).transform(String) })
    .optional(),
  /** Name of the model whose rules count, for ARNs that do not say it, e.g. "anthropic.claude-sonnet-4-5". */
  like: z.string().optional(),
  /** False: input tokens are estimated. Of Claude alone the vendor counts them. */
  counts: z.boolean().default(true),
  /** True: clients may ask for service above the standard, which costs more than the model's price. */
  premium: z.boolean().default(false),
});

/** How Bedrock is asked. */
export interface BedrockFlavour {
  readonly region: string;
  readonly guardrail: { readonly id: string; readonly version: string } | undefined;
  readonly like: string | undefined;
  readonly counts: boolean;
  readonly premium: boolean;
}

/** Hosts of AWS that name their region: bedrock-runtime.us-east-1.amazonaws.com, those for FIPS, dual stack, China and VPCs. */
const awsHost =
  /(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws|api\.amazonwebservices\.com\.cn)$/;

/** Reads a channel's flavour. Throws a ZodError that names the field, or an Error where no region is known. */
export function readFlavour(json: string, baseUrl: string): BedrockFlavour {
  const given = flavourSchema.parse(json === "" ? {} : JSON.parse(json));
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : "";
  const region = given.region ?? awsHost.exec(host)?.[1];
  if (region === undefined) throw new Error("flavour.region is needed: the base URL does not name a region of AWS");
  return { ...given, region, guardrail: given.guardrail, like: given.like };
}
