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
