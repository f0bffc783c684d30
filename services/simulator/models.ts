/** How one request is to be treated. Without any `sim-*` in the model's name it is `normalBehaviour`. */
export interface Behaviour {
  /** Answer with this HTTP status and the error body usual for it. 0: no. */
  readonly status: number;
  /** Answer with an error that has a code of its own. */
  readonly refusal: "" | "insufficient_quota" | "context_length" | "unknown_model";
  /** Stop for ever at this place; only the client's close ends the exchange. */
  readonly hang: "" | "headers" | "stream";
  /** Destroy the socket at this place. */
  readonly drop: "" | "headers" | "stream";
  /** One event of the stream is broken JSON; a plain answer is cut short inside its JSON. */
  readonly malformed: boolean;
  /** A frame of a binary stream has a wrong checksum. */
  readonly damaged: boolean;
  /** False: no usage anywhere in the answer. */
  readonly usage: boolean;
  /** False: a usage does not tell apart what it counts. */
  readonly details: boolean;
  /** False: the stream ends without its end marker. */
  readonly done: boolean;
  /** An error object inside an answer that began with 200. */
  readonly errorIn: "" | "stream" | "body";
  /** No content, or no body at all. */
  readonly empty: "" | "content" | "body";
  /** The answer ends as filtered for its content. */
  readonly filtered: boolean;
  /** Keep-alive comments between the events of a stream; blank lines before a plain answer. */
  readonly comments: boolean;
  /** The body is written in pieces of 7 bytes, so events and UTF-8 sequences are torn. */
  readonly split: boolean;
  /** Wait before the first token, in milliseconds. */
  readonly firstTokenMs: number;
  /** Wait before each further chunk, in milliseconds. */
  readonly chunkMs: number;
  /** Size of the answer's text in kB (1,000 bytes). 0: the usual answer. */
  readonly largeKb: number;
  /** Exactly so many output tokens. -1: the usual answer. */
  readonly tokens: number;
  /** So many percent of the input tokens are reported as read from a prompt cache. */
  readonly cachedPercent: number;
  /** So many percent of the input and of the output tokens are reported as audio. */
  readonly audioPercent: number;
  /** So many percent of the input and of the output tokens are reported as images. */
  readonly imagePercent: number;
  /** So many percent of the input tokens that were not cached are reported as written to a prompt cache for an hour. */
  readonly writtenPercent: number;
  /** Searches of the web that are reported. */
  readonly searches: number;
  /** The tier of service that is reported. Empty: the standard. */
  readonly tier: "" | "flex" | "priority";
  /** Cost of the answer that is reported, in nano-USD. 0: none is. */
  readonly costNanoUsd: number;
  /** So many percent of the requests are answered 503, evenly spread and repeatable. */
  readonly flakyPercent: number;
  /** What is wrong with a ranking's places. */
  readonly ranking: "" | "unknown" | "twice" | "unsorted";
  /** What is wrong with the vectors of embeddings. */
  readonly vectors: "" | "wrong_count" | "ragged" | "bad_index";
  /** Numbers of embeddings and of a ranking are no numbers. */
  readonly nan: boolean;
  /** A transcription claims to be millions of years long. */
  readonly lies: boolean;
  /** Partial images of a stream, whatever was asked for. -1: as many as were asked for. */
  readonly partials: number;
  /** Images come as addresses, whatever was asked for. */
  readonly addresses: boolean;
  /** What becomes of a job, beside the time that it takes. */
  readonly job: "" | "fails" | "filtered" | "stuck" | "forgotten";
  /** A job that runs is said to be in a state that no client knows. */
  readonly jobPuzzles: boolean;
  /** What becomes of the request that begins a job. */
  readonly jobStart: "" | "lost" | "refused";
  /** So long a job waits before it runs, in milliseconds. */
  readonly jobQueueMs: number;
  /** So long a job runs, in milliseconds. */
  readonly jobRunMs: number;
  /** Every other poll of a job is answered 429, the first one among them. */
  readonly jobPollRefused: boolean;
  /** How a job's callback misbehaves, where the job has one. */
  readonly jobCallback: "" | "twice" | "forged";
  /** A batch runs out of its time: every other line is not run. */
  readonly batchExpires: boolean;
  /** Some lines stand twice in the results of a batch. */
  readonly batchTwice: boolean;
  /** Some lines are missing in the results of a batch. */
  readonly batchMisses: boolean;
}

/** The behaviour of every model whose name does not begin with `sim-`. */
export const normalBehaviour: Behaviour = Object.freeze({
  status: 0,
  refusal: "",
  hang: "",
  drop: "",
  malformed: false,
  damaged: false,
  usage: true,
  details: true,
  done: true,
  errorIn: "",
  empty: "",
  filtered: false,
  comments: false,
  split: false,
  firstTokenMs: 0,
  chunkMs: 0,
  largeKb: 0,
  tokens: -1,
  cachedPercent: 0,
  audioPercent: 0,
  imagePercent: 0,
  writtenPercent: 0,
  searches: 0,
  tier: "",
  costNanoUsd: 0,
  flakyPercent: 0,
  ranking: "",
  vectors: "",
  nan: false,
  lies: false,
  partials: -1,
  addresses: false,
  job: "",
  jobPuzzles: false,
  jobStart: "",
  jobQueueMs: 100,
  jobRunMs: 400,
  jobPollRefused: false,
  jobCallback: "",
  batchExpires: false,
  batchTwice: false,
  batchMisses: false,
});

/** One line of the table of misbehaving models. */
export interface SimulatedModel {
  /** The name, with its parameter in angle brackets. */
  readonly name: string;
  /** A name that can be sent as it stands. */
  readonly example: string;
  /** What happens. */
  readonly meaning: string;
}

interface Rule extends SimulatedModel {
  readonly pattern: RegExp;
  /** Parameter where the name gives none. */
  readonly fallback: number;
  readonly max: number;
  readonly min: number;
  readonly effect: (parameter: number) => Partial<Behaviour>;
}

const minuteMs = 60_000;

function rule(
  name: string,
  example: string,
  meaning: string,
  effect: Rule["effect"],
  range: { min?: number; max?: number; fallback?: number } = {},
): Rule {
  const optional = name.includes("(");
  const stem = name.replace(/\(?-<.*$/, "");
  const parameter = name.includes("<") ? (optional ? "(?:-(\\d{1,7}))?" : "-(\\d{1,7})") : "";
  return {
    name,
    example,
    meaning,
    effect,
    pattern: new RegExp(`^${stem}${parameter}$`),
    fallback: range.fallback ?? 0,
    min: range.min ?? 0,
    max: range.max ?? Number.MAX_SAFE_INTEGER,
  };
}

const rules: readonly Rule[] = [
  rule(
    "sim-status-<code>",
    "sim-status-429",
    "Answers with this HTTP status (400 to 599), the error body usual for it, and Retry-After on 429, 503 and 529.",
    (status) => ({ status }),
    { min: 400, max: 599 },
  ),
  rule(
    "sim-insufficient-quota",
    "sim-insufficient-quota",
    "Answers 429 with the code insufficient_quota: a 429 that no retry can cure.",
    () => ({ refusal: "insufficient_quota" }),
  ),
  rule("sim-plain", "sim-plain", "Answers as a model without any such name does.", () => ({})),
  rule("sim-context-length", "sim-context-length", "Answers 400: the input exceeds the context window.", () => ({
    refusal: "context_length",
  })),
  rule("sim-hang-headers", "sim-hang-headers", "Takes the request and never answers.", () => ({ hang: "headers" })),
  rule("sim-hang-stream", "sim-hang-stream", "Stops in the middle of the body and stays silent.", () => ({
    hang: "stream",
  })),
  rule("sim-drop-headers", "sim-drop-headers", "Destroys the socket before any byte of an answer.", () => ({
    drop: "headers",
  })),
  rule("sim-drop-stream", "sim-drop-stream", "Destroys the socket in the middle of the body.", () => ({
    drop: "stream",
  })),
  rule(
    "sim-malformed-chunk",
    "sim-malformed-chunk",
    "One event in the middle of the stream is broken JSON, the rest follows; a plain answer is cut short inside its JSON.",
    () => ({ malformed: true }),
  ),
  rule(
    "sim-bad-checksum",
    "sim-bad-checksum",
    "A frame in the middle of a binary stream (Bedrock) has a wrong checksum.",
    () => ({ damaged: true }),
  ),
  rule("sim-no-usage", "sim-no-usage", "Leaves usage out, whatever was asked.", () => ({ usage: false })),
  rule("sim-no-details", "sim-no-details", "The usage of images has no details of its output.", () => ({
    details: false,
  })),
  rule("sim-no-done", "sim-no-done", "The stream ends without its end marker.", () => ({ done: false })),
  rule(
    "sim-error-in-stream",
    "sim-error-in-stream",
    "An error event in the middle of the stream, then the end; a plain answer becomes an error body with status 200.",
    () => ({ errorIn: "stream" }),
  ),
  rule("sim-error-in-200", "sim-error-in-200", "An error body with status 200, stream or not.", () => ({
    errorIn: "body",
  })),
  rule("sim-empty", "sim-empty", "An answer without content and with 0 output tokens.", () => ({
    empty: "content",
    tokens: 0,
  })),
  rule("sim-empty-body", "sim-empty-body", "Status 200 and no body at all.", () => ({ empty: "body" })),
  rule("sim-content-filter", "sim-content-filter", "The answer ends as filtered for its content.", () => ({
    filtered: true,
  })),
  rule(
    "sim-comments",
    "sim-comments",
    "A keep-alive comment before each event of a stream; blank lines before a plain answer.",
    () => ({ comments: true }),
  ),
  rule(
    "sim-split-bytes",
    "sim-split-bytes",
    "The body comes in pieces of 7 bytes: events and UTF-8 sequences are torn.",
    () => ({ split: true }),
  ),
  rule(
    "sim-slow-first-token(-<ms>)",
    "sim-slow-first-token-2000",
    "Sends the head of a stream at once and the first token after so many milliseconds (2,000); delays a plain answer.",
    (firstTokenMs) => ({ firstTokenMs }),
    { fallback: 2_000, max: 10 * minuteMs },
  ),
  rule(
    "sim-slow-chunks(-<ms>)",
    "sim-slow-chunks-100",
    "Waits so many milliseconds (100) before each chunk; a plain answer comes in four pieces.",
    (chunkMs) => ({ chunkMs }),
    { fallback: 100, max: minuteMs },
  ),
  rule(
    "sim-large(-<kB>)",
    "sim-large-1024",
    "An answer of so many kB of text (1,024), in tokens of 1 kB.",
    (largeKb) => ({ largeKb }),
    { fallback: 1_024, min: 1, max: 262_144 },
  ),
  rule(
    "sim-tokens-<n>",
    "sim-tokens-100",
    "Exactly so many output tokens, one a chunk; max_tokens still cuts.",
    (tokens) => ({ tokens }),
    { max: 1_000_000 },
  ),
  rule(
    "sim-cached-<percent>",
    "sim-cached-50",
    "Reports so many percent of the input tokens as read from a prompt cache.",
    (cachedPercent) => ({ cachedPercent }),
    { max: 100 },
  ),
  rule(
    "sim-audio-<percent>",
    "sim-audio-50",
    "Reports so many percent of the input and of the output tokens as audio.",
    (audioPercent) => ({ audioPercent }),
    { max: 100 },
  ),
  rule(
    "sim-image-<percent>",
    "sim-image-50",
    "Reports so many percent of the input and of the output tokens as images.",
    (imagePercent) => ({ imagePercent }),
    { max: 100 },
  ),
  rule(
    "sim-cache-hour-<percent>",
    "sim-cache-hour-50",
    "Reports so many percent of the input tokens as written to a prompt cache, in Anthropic's format for an hour.",
    (writtenPercent) => ({ writtenPercent }),
    { max: 100 },
  ),
  rule("sim-searches-<n>", "sim-searches-3", "Reports so many searches of the web.", (searches) => ({ searches }), {
    max: 1_000,
  }),
  rule("sim-flex", "sim-flex", "Reports the tier of service flex.", () => ({ tier: "flex" })),
  rule("sim-priority", "sim-priority", "Reports the tier of service priority.", () => ({ tier: "priority" })),
  rule(
    "sim-cost-<nano-USD>",
    "sim-cost-1500",
    "Reports so many nano-USD as the cost of the answer, as OpenRouter does.",
    (costNanoUsd) => ({ costNanoUsd }),
  ),
  rule(
    "sim-flaky-<percent>",
    "sim-flaky-25",
    "Answers so many percent of its requests with 503, evenly spread and repeatable.",
    (flakyPercent) => ({ flakyPercent }),
    { max: 100 },
  ),
  rule("sim-rank-unknown", "sim-rank-unknown", "A ranking names a document that was not given.", () => ({
    ranking: "unknown",
  })),
  rule("sim-rank-twice", "sim-rank-twice", "A ranking names a document twice.", () => ({ ranking: "twice" })),
  rule("sim-rank-unsorted", "sim-rank-unsorted", "A ranking comes in the order of the request.", () => ({
    ranking: "unsorted",
  })),
  rule(
    "sim-embed-wrong-count",
    "sim-embed-wrong-count",
    "Embeddings come without the vector of the last input.",
    () => ({
      vectors: "wrong_count",
    }),
  ),
  rule("sim-embed-ragged", "sim-embed-ragged", "The last vector of embeddings is shorter than the others.", () => ({
    vectors: "ragged",
  })),
  rule("sim-embed-bad-index", "sim-embed-bad-index", "Every vector of embeddings says that it is the first.", () => ({
    vectors: "bad_index",
  })),
  rule(
    "sim-nan",
    "sim-nan",
    "Numbers of embeddings are not finite (NaN in base64, null in JSON); every score of a ranking is NaN.",
    () => ({
      nan: true,
    }),
  ),
  rule(
    "sim-audio-lies",
    "sim-audio-lies",
    "A transcription claims that its file has millions of years of audio.",
    () => ({ lies: true }),
  ),
  rule(
    "sim-audio-seconds",
    "sim-audio-seconds",
    "A transcription states its usage in seconds, as whisper-1 does, and knows no streams.",
    () => ({}),
  ),
  rule(
    "sim-partials-<n>",
    "sim-partials-1",
    "A stream of images has so many partial ones, whatever was asked for.",
    (partials) => ({ partials }),
    { max: 100 },
  ),
  rule("sim-addresses", "sim-addresses", "Images come as addresses, also where data was asked for.", () => ({
    addresses: true,
  })),
  rule(
    "sim-slow-read-<ms>",
    "sim-slow-read-50",
    "Waits so many milliseconds after each piece of a form that it reads, where the model's name comes before the file.",
    () => ({}),
    { min: 1, max: 9_999 },
  ),
  rule(
    "sim-job-queue-<ms>",
    "sim-job-queue-2000",
    "A job waits so many milliseconds (100) before it runs.",
    (jobQueueMs) => ({ jobQueueMs }),
    { max: 24 * 60 * minuteMs },
  ),
  rule("sim-job-run-<ms>", "sim-job-run-5000", "A job runs so many milliseconds (400).", (jobRunMs) => ({ jobRunMs }), {
    max: 24 * 60 * minuteMs,
  }),
  rule("sim-job-fail", "sim-job-fail", "A job fails at its end.", () => ({ job: "fails" })),
  rule("sim-job-fail-filtered", "sim-job-fail-filtered", "A job fails at its end, for its content.", () => ({
    job: "filtered",
  })),
  rule("sim-job-stuck", "sim-job-stuck", "A job runs for ever.", () => ({ job: "stuck" })),
  rule(
    "sim-job-unknown-word",
    "sim-job-unknown-word",
    "A job that runs is said to be in a state that no client knows; it ends all the same.",
    () => ({ jobPuzzles: true }),
  ),
  rule("sim-job-forgets", "sim-job-forgets", "From its end on a job is not known any more: 404.", () => ({
    job: "forgotten",
  })),
  rule(
    "sim-job-create-lost",
    "sim-job-create-lost",
    "Begins a job and destroys the socket before any byte of an answer.",
    () => ({ jobStart: "lost" }),
  ),
  rule(
    "sim-job-create-refused",
    "sim-job-create-refused",
    "Answers 400: the rules on content do not allow the job. None is begun.",
    () => ({ jobStart: "refused" }),
  ),
  rule(
    "sim-job-poll-429",
    "sim-job-poll-429",
    "Answers every other poll of a job with 429 and Retry-After, the first one among them.",
    () => ({ jobPollRefused: true }),
  ),
  rule(
    "sim-job-callback-twice",
    "sim-job-callback-twice",
    "Calls the callback_url of a job twice at its start and twice at its end, in place of once at its end.",
    () => ({ jobCallback: "twice" }),
  ),
  rule(
    "sim-job-callback-forged",
    "sim-job-callback-forged",
    "While a job runs somebody else calls its callback_url, and addresses like it, and says that it has ended. Its own call at its end follows.",
    () => ({ jobCallback: "forged" }),
  ),
  rule(
    "sim-job-slow-content",
    "sim-job-slow-content",
    "The result of a job comes in pieces of 16 kB, one in 50 milliseconds.",
    () => ({ chunkMs: 50 }),
  ),
  rule(
    "sim-batch-expires",
    "sim-batch-expires",
    "A batch of it runs out of its time: every other line is not run. What is said of jobs holds for batches, too.",
    () => ({ batchExpires: true }),
  ),
  rule("sim-batch-twice", "sim-batch-twice", "Every tenth line stands twice in the results of a batch of it.", () => ({
    batchTwice: true,
  })),
  rule("sim-batch-misses", "sim-batch-misses", "Every tenth line is missing in the results of a batch of it.", () => ({
    batchMisses: true,
  })),
];

/**
 * Every model that misbehaves on purpose. They combine with `+`: `sim-tokens-100+slow-chunks-5` streams 100 tokens at
 * 5 ms. A name that begins with `sim-` and is not in this table is answered 404; every other name answers normally.
 */
export const simulatedModels: readonly SimulatedModel[] = rules.map(({ name, example, meaning }) => ({
  name,
  example,
  meaning,
}));

const unknownModel: Behaviour = Object.freeze({ ...normalBehaviour, refusal: "unknown_model" });

function parse(model: string): Behaviour {
  let behaviour: Behaviour = normalBehaviour;
  for (const part of model.split("+")) {
    const name = part.startsWith("sim-") ? part : `sim-${part}`;
    const found = rules.find((candidate) => candidate.pattern.test(name));
    const digits = found?.pattern.exec(name)?.[1];
    const parameter = digits === undefined ? found?.fallback : Number(digits);
    if (found === undefined || parameter === undefined || parameter < found.min || parameter > found.max) {
      return unknownModel;
    }
    behaviour = { ...behaviour, ...found.effect(parameter) };
  }
  return behaviour;
}

/** Remembers what it parsed, up to 1,000 names. */
export function createBehaviours(): (model: string) => Behaviour {
  const known = new Map<string, Behaviour>();
  return (model) => {
    if (!model.startsWith("sim-")) return normalBehaviour;
    const remembered = known.get(model);
    if (remembered !== undefined) return remembered;
    const behaviour = parse(model);
    if (known.size < 1_000) known.set(model, behaviour);
    return behaviour;
  };
}
