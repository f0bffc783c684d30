import { type Generation, generationOf } from "../anthropic/models.ts";

/** How a model takes a wish for thinking, in `additionalModelRequestFields`. */
export type ThinkingWay =
  /** As Anthropic's own API. */
  | "anthropic"
  /** `reasoningConfig` with an effort. */
  | "nova"
  /** `reasoning_effort`. */
  | "effort"
  | "none";

/** What a family of models takes of Converse: the vendor refuses the rest with a 400. */
export interface Family {
  readonly thinking: ThinkingWay;
  /** `cachePoint` blocks. */
  readonly cachePoints: boolean;
  /** `outputConfig` with a schema, and strict tools. */
  readonly structuredOutput: boolean;
  /** Ways to choose a tool beside the model's own ("auto"). */
  readonly toolChoices: ReadonlySet<"any" | "tool">;
  /** Where `top_k` stands in the additional fields; empty: nowhere. */
  readonly topK: "" | "top_k" | "inferenceConfig.topK";
  /** `status` of a tool's result. */
  readonly resultStatus: boolean;
  /** Rules of Anthropic's models; undefined: it is none of them. */
  readonly claude: Generation | undefined;
}

type FamilyRow = readonly [pattern: RegExp, family: Omit<Family, "claude">];

const all: Family["toolChoices"] = new Set(["any", "tool"]);
const any: Family["toolChoices"] = new Set(["any"]);
const auto: Family["toolChoices"] = new Set();

const plain = {
  thinking: "none",
  cachePoints: false,
  structuredOutput: false,
  toolChoices: auto,
  topK: "",
  resultStatus: false,
} as const;

/**
 * By the model's name as Bedrock has it (docs.aws.amazon.com/bedrock: "Supported models and model features", "Prompt caching",
 * "Structured outputs", "ToolChoice"; the last row that fits counts).
 */
const families: readonly FamilyRow[] = [
  [/./, plain],
  [/amazon\.nova/, { ...plain, cachePoints: true, toolChoices: all, topK: "inferenceConfig.topK", resultStatus: true }],
  [
    /amazon\.nova-2/,
    {
      ...plain,
      thinking: "nova",
      cachePoints: true,
      toolChoices: all,
      topK: "inferenceConfig.topK",
      resultStatus: true,
    },
  ],
  [/mistral\.|pixtral|magistral|devstral/, { ...plain, structuredOutput: true, toolChoices: any }],
  [/openai\.gpt/, { ...plain, thinking: "effort", structuredOutput: true }],
  [/(?:qwen\.|google\.gemma|minimax\.|moonshot|nvidia\.)/, { ...plain, structuredOutput: true }],
  [/deepseek\.(?!r1)/, { ...plain, structuredOutput: true }],
];

/** Claude 4.5 and later are held to schemas there. */
const structuredFrom = 4.5;

/** The family of a model's name, of its inference profile or its ARN. */
export function familyOf(model: string): Family {
  if (/claude/i.test(model)) {
    const claude = generationOf(model);
    return {
      thinking: "anthropic",
      cachePoints: true,
      structuredOutput: claude.structuredOutput && claude.version >= structuredFrom,
      toolChoices: all,
      topK: "top_k",
      resultStatus: true,
      claude,
    };
  }
  const row = families.findLast(([pattern]) => pattern.test(model));
  return { ...(row?.[1] ?? plain), claude: undefined };
}
