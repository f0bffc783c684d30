import { ThroughlineError } from "../../../../../shared/errors/error.ts";
import type { OpenaiFlavour, VendorModule } from "../../../domain/flavour.ts";
import { noteUnknownFields } from "../../../domain/notes.ts";
import { type ModerationFormat, moderationDialect, moderationExchange } from "../../../modules/moderation/exchange.ts";
import { type ModerationRequest, textOf } from "../../../modules/moderation/request.ts";
import { listIn, namesIn, type Verdict, verdictOf } from "../../../modules/moderation/verdicts.ts";
import { asArray, asObject, asString, countOf, type JsonObject } from "../../../wire/json.ts";
import { type OpenaiModule, placeOf, takenFields } from "../module.ts";

/** How vendors name what a moderation has. */
interface Shape extends Pick<ModerationFormat, "read"> {
  /** Fields of the body beside the model. */
  write(request: ModerationRequest, note: Parameters<ModerationFormat["write"]>[2]): JsonObject;
}

const none: ReadonlySet<string> = new Set();

const shapes = {
  /** OpenAI and all who follow it. */
  openai: {
    write: ({ given, others }) => ({ ...others, input: given }),
    read: readResults,
  },
  /** Mistral: texts alone, categories of its own, no `flagged`. */
  mistral: {
    write({ inputs, others }, note) {
      noteUnknownFields(others, none, note);
      return { input: inputs.map(textOf) };
    },
    read: readResults,
  },
  /** Zhipu: one input, whose parts have a verdict each; the worst of them counts. */
  zhipu: {
    write({ inputs, others }, note) {
      noteUnknownFields(others, none, note);
      const [parts = [], second] = inputs;
      if (second !== undefined) {
        throw new ThroughlineError("invalid_value", "This model judges one input at a time.", { param: second[0]?.at });
      }
      const [only] = parts;
      if (parts.length === 1 && only !== undefined && "text" in only) return { input: only.text };
      const listed = parts.map((part) =>
        "text" in part ? { type: "text", text: part.text } : { type: "image_url", image_url: { url: part.image } },
      );
      return { input: listed };
    },
    read(top) {
      const list = listIn(top, "result_list");
      if (list === undefined) return undefined;
      return { ...namesIn(top), results: [worstOf(list)], tokens: undefined };
    },
  },
} as const satisfies Readonly<Record<string, Shape>>;

type ShapeName = keyof typeof shapes;

const usual: { readonly path: string; readonly shape: ShapeName } = { path: "/moderations", shape: "openai" };

/** Vendors that differ. */
const vendors: Readonly<Record<string, VendorModule & { readonly shape?: ShapeName }>> = {
  mistral: { shape: "mistral" },
  zhipu: { shape: "zhipu" },
};

function readResults(top: JsonObject): ReturnType<ModerationFormat["read"]> {
  const list = listIn(top, "results");
  if (list === undefined) return undefined;
  const usage = asObject(top.usage);
  const tokens = countOf(usage?.prompt_tokens) || countOf(usage?.total_tokens) || undefined;
  return { ...namesIn(top), results: list.map(verdictOf), tokens };
}

/** Levels of risk, the least first. */
const levels = ["PASS", "REVIEW", "REJECT"];

/** One verdict of what Zhipu says of the parts: what it wants to be reviewed is flagged, as what it rejects. */
function worstOf(list: readonly unknown[]): Verdict | undefined {
  const said = list.map((raw) => asObject(raw) ?? {});
  const ranks = said.map(({ risk_level: level }) => levels.indexOf((asString(level) ?? "").toUpperCase()));
  if (said.length === 0 || ranks.includes(-1)) return undefined;
  const rank = Math.max(...ranks);
  const names = said.flatMap(({ risk_type: types }) => asArray(types)).filter((type) => typeof type === "string");
  const kinds = [...new Set(names)];
  return {
    flagged: rank > 0,
    categories: Object.fromEntries(kinds.map((name) => [name, true])),
    category_scores: Object.fromEntries(kinds.map((name) => [name, rank / (levels.length - 1)])),
    category_applied_input_types: {},
  };
}

function moderationFormat(flavour: OpenaiFlavour): ModerationFormat {
  const { shape, ...place } = placeOf(flavour, openaiModeration.name, usual, vendors);
  const { write, read } = shapes[shape];
  return {
    read,
    inBandError: flavour.streamError,
    write(request, model, note) {
      const others = takenFields(request.others, flavour, note);
      const body = Buffer.from(JSON.stringify({ ...write({ ...request, others }, note), model }));
      return { ...place, headers: {}, body };
    },
  };
}

/** Moderations of OpenAI, and of the vendors that stand beside it. */
export const openaiModeration: OpenaiModule = {
  name: "moderation",
  shapes: Object.keys(shapes),
  exchanges: (of) => ({
    [moderationDialect]: (asked) => moderationExchange(asked, moderationFormat(of(asked.upstreamModel))),
  }),
};
