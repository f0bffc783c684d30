import { deliverJson } from "../deliver.ts";
import { type Exchange, InvalidRequest, type Route, type WireFormat } from "../exchange.ts";
import { arrayOf, isObject, objectOf, stringOf } from "../json.ts";
import { openaiFormat } from "./openai.ts";

/** Words that are harmful in a simulated world, by category. An image is judged by its address. */
const words: Readonly<Record<string, readonly string[]>> = {
  harassment: ["idiot"],
  "harassment/threatening": ["beware"],
  hate: ["hate"],
  "hate/threatening": [],
  illicit: ["steal"],
  "illicit/violent": [],
  "self-harm": ["hurt"],
  "self-harm/instructions": [],
  "self-harm/intent": [],
  sexual: ["nude"],
  "sexual/minors": [],
  violence: ["kill", "war"],
  "violence/graphic": ["blood"],
};
const categories = Object.keys(words);

/** What is judged together: texts and addresses of images. */
type Input = readonly { readonly type: "text" | "image"; readonly text: string }[];

interface Judged {
  readonly found: ReadonlySet<string>;
  readonly types: readonly string[];
}

/** One wire format of moderations. */
interface ModerationStyle {
  readonly format: WireFormat;
  /** `notANumber` stands for NaN, as servers in Python write it. */
  write(judged: readonly Judged[], id: string, exchange: Exchange): object;
}

const notANumber = "not a number";

const openai: ModerationStyle = {
  format: openaiFormat,
  write: (judged, id, { model, behaviour }) => ({
    id: `modr-${id}`,
    model,
    results: judged.map(({ found, types }) => ({
      flagged: found.size > 0,
      // Models of before know no illicit acts.
      categories: each((name) => (name.startsWith("illicit") && model.startsWith("text-") ? null : found.has(name))),
      category_scores: each((name) => (behaviour.nan ? notANumber : found.has(name) ? 0.9 : 0.01)),
      category_applied_input_types: each(() => types),
    })),
  }),
};

const mistral: ModerationStyle = {
  format: openaiFormat,
  write: (judged, id, { model, behaviour }) => ({
    id,
    model,
    usage: { prompt_tokens: 7, total_tokens: 7, completion_tokens: 0 },
    results: judged.map(({ found }) => ({
      categories: { violence_and_threats: found.has("violence"), pii: false },
      category_scores: { violence_and_threats: behaviour.nan ? notANumber : 0.5, pii: 0 },
    })),
  }),
};

const zhipu: ModerationStyle = {
  format: openaiFormat,
  write: (judged, id, { behaviour }) => ({
    id,
    created: 0,
    request_id: id,
    result_list: judged.map(({ found, types }) => ({
      content_type: types[0] ?? "text",
      risk_level: behaviour.nan ? "NaN" : found.size === 0 ? "PASS" : found.has("violence") ? "REJECT" : "REVIEW",
      risk_type: [...found],
    })),
    usage: { moderation_text: { call_count: judged.length } },
  }),
};

function each(value: (name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(categories.map((name) => [name, value(name)]));
}

/** @param together the parts of one input have one verdict. */
function routeOf(style: ModerationStyle, together: boolean): Route {
  return {
    format: style.format,
    readsBody: true,
    answer(exchange, body) {
      const inputs = inputsOf(body.input, together);
      if (inputs.length === 0 || inputs.some((parts) => parts.some(({ text }) => text === ""))) {
        throw new InvalidRequest("'$.input' is invalid: it must not be empty.", "input");
      }
      const judged = exchange.behaviour.empty === "content" ? [] : inputs.map((parts) => judge(exchange, parts));
      const answer = JSON.stringify(style.write(judged, exchange.id, exchange));
      deliverJson(exchange, style.format, answer.replaceAll(`"${notANumber}"`, "NaN"));
    },
  };
}

/** POST /v1/moderations: OpenAI. */
export const moderations = routeOf(openai, true);
/** POST /mistral/v1/moderations: Mistral, which takes texts alone. */
export const mistralModerations = routeOf(mistral, false);
/** POST /api/paas/v4/moderations: Zhipu. */
export const zhipuModerations = routeOf(zhipu, false);

function inputsOf(input: unknown, together: boolean): Input[] {
  if (typeof input === "string") return [[{ type: "text", text: input }]];
  const parts = arrayOf(input).map((one) => {
    if (!isObject(one)) return { type: "text" as const, text: stringOf(one) };
    const image = stringOf(objectOf(one.image_url).url);
    return image === "" ? { type: "text" as const, text: stringOf(one.text) } : { type: "image" as const, text: image };
  });
  const joined = together && parts.length > 0 && arrayOf(input).every(isObject);
  return joined ? [parts] : parts.map((part) => [part]);
}

/** `sim-content-filter` finds every input violent. */
function judge({ behaviour }: Exchange, parts: Input): Judged {
  const text = parts.map((part) => part.text.toLowerCase()).join(" ");
  const found = categories.filter((name) => words[name]?.some((word) => text.includes(word)));
  if (behaviour.filtered) found.push("violence");
  return { found: new Set(found), types: [...new Set(parts.map(({ type }) => type))] };
}
