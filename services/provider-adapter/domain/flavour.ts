import type { ExtraPartType, ExtraToolType } from "../../../shared/chat-extras.ts";
import type { ThroughlineError } from "../../../shared/errors/error.ts";
import type { JsonObject } from "../wire/json.ts";
import type { FieldPatch } from "../wire/patch-json.ts";
import { pathSegment } from "../wire/path-segment.ts";
import type { LabelFit } from "./label-rule.ts";

/** When a vendor wants the thinking of earlier turns of the assistant back. */
export type ReasoningBack = "never" | "tool_turns" | "always";

/** Where the turns of a conversation may stand at a vendor: its models' templates refuse what stands elsewhere. */
export interface TurnRules {
  /**
   * Where system messages may stand. "first": one, at the start; what comes later is told as the user's. "never": nowhere; the
   * user's first turn begins with what they say.
   */
  readonly system: "anywhere" | "first" | "never";
  /** Two turns of the user, or of the assistant, must not follow each other. */
  readonly alternate: boolean;
  /** The first turn is the user's. */
  readonly userFirst: boolean;
  /** What the user says may follow the results of tools, without a turn of the assistant between. */
  readonly userAfterTool: boolean;
}

/** How a vendor serves a module beside chat, where it differs from the others. */
export interface VendorModule {
  /** Behind the channel's base URL. */
  readonly path?: string | undefined;
  /** Which of the module's shapes it speaks. */
  readonly shape?: string | undefined;
  /** As `UpstreamMessage.base`. */
  readonly base?: readonly [part: string, instead: string] | undefined;
}

/** Quirks of a vendor that speaks OpenAI's chat format, as data; of one model where the vendor's models differ. */
export interface OpenaiFlavour {
  /** Behind the channel's base URL; `{model}` stands for the model sent upstream. */
  readonly path: string;
  /** The vendor takes stream_options.include_usage. */
  readonly streamOptions: boolean;
  /** Fields that the vendor refuses. */
  readonly dropFields: readonly string[];
  /** Fields of messages that the vendor refuses, those of answers that clients send back among them. */
  readonly dropMessageFields: readonly string[];
  /** Fields that the vendor names differently. */
  readonly renameFields: Readonly<Record<string, string>>;
  /** Values that the vendor spells differently, by field. */
  readonly renameValues: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Fields that a request without a stream needs. */
  readonly addWhenWhole: FieldPatch;
  /** Thinking is only possible in a stream. */
  readonly thinkingNeedsStream: boolean;
  /** False: the model does not think, and refuses to be asked to. */
  readonly thinks: boolean;
  /** What switches thinking on. */
  readonly thinkingOn: FieldPatch;
  /** What switches thinking off. */
  readonly thinkingOff: FieldPatch;
  /** What switches search of the web on, where the vendor does not take OpenAI's web_search_options. */
  readonly searchOn: FieldPatch | undefined;
  /** False: the model cannot search the web, however it is asked to. */
  readonly searches: boolean;
  /** Types of content beside OpenAI's own that the vendor takes in messages, e.g. "video_url". */
  readonly extraParts: readonly ExtraPartType[];
  /** Types of tools beside OpenAI's own that the vendor takes, e.g. "builtin_function". */
  readonly extraTools: readonly ExtraToolType[];
  /** Field of the effort, e.g. "reasoning_effort" or "reasoning.effort". Empty: none. */
  readonly effortField: string;
  /** Efforts that the vendor calls differently or does not have. */
  readonly effortValues: Readonly<Record<string, string>>;
  /** Field of a thinking budget. Empty: none. */
  readonly budgetField: string;
  readonly reasoningBack: ReasoningBack;
  /** Fields of a message in which the text of earlier thinking goes back. */
  readonly reasoningFields: readonly string[];
  /** Where turns may stand. */
  readonly turns: TurnRules;
  /** Role of system messages. */
  readonly systemRole: "system" | "developer";
  /** The vendor knows the role "developer"; else it becomes "system". */
  readonly developerRole: boolean;
  /** Clients may ask for service above the standard, which costs more than the model's price; else they get the standard. */
  readonly premium: boolean;
  /** Field of the bound on output tokens. */
  readonly maxTokensField: string;
  /** The vendor takes top_k. */
  readonly topK: boolean;
  /** The vendor has tools that take free text (`custom`); else they are sent as functions. */
  readonly customTools: boolean;
  /** The vendor's responses know namespaces of tools; else such a request is sent as chat. */
  readonly namespaces: boolean;
  /** Most characters of a tool's description; 0: as many as there are. */
  readonly maxToolDescription: number;
  /** The schema of a tool must have a plain object as its root: no variants of it, no reference. */
  readonly plainSchemas: boolean;
  /** How the vendor takes names of tools and IDs of calls. */
  readonly labels: { readonly names: LabelFit; readonly callIds: LabelFit };
  /** False: the model does not speak chat, so clients of other dialects are served by way of responses. */
  readonly chat: boolean;
  /** The vendor speaks OpenAI's responses too: they are passed through. */
  readonly responses: boolean;
  /** The vendor speaks OpenAI's older completions too: they are passed through. */
  readonly completions: boolean;
  /** Most inputs of one request for embeddings. 0: as many as clients may send. */
  readonly maxEmbeddingInputs: number;
  /** Inputs of embeddings may be tokens, as numbers. */
  readonly embedsTokens: boolean;
  /** Name of the vendor; empty: none. */
  readonly vendor: string;
  /** Names of voices that clients may say, and what the vendor calls them; they go before those that are known of it. */
  readonly voices: Readonly<Record<string, string>>;
  /** By the module's name. */
  readonly modules: Readonly<Partial<Record<string, VendorModule>>>;
  /** The vendor's finish reasons that OpenAI does not have: OpenAI's word, or "error". */
  readonly finishReasons: Readonly<Record<string, string>>;
  /** The error of an object inside a 200 or a stream. */
  readonly streamError: (error: JsonObject) => ThroughlineError;
}

const chat = "chat/completions";

/** Path of a request: the flavour's own for chat; another of OpenAI's endpoints stands beside it, else right behind the base URL. */
export function endpointPath({ path }: Pick<OpenaiFlavour, "path">, model: string, endpoint: string): string {
  const other = path.includes(chat) ? path.replace(chat, endpoint) : `/${endpoint}`;
  return (endpoint === chat ? path : other).replaceAll("{model}", pathSegment(model));
}

/** The flavour of one model of the vendor. */
export type FlavourOf = (upstreamModel: string) => OpenaiFlavour;
