import { type Rule, rule } from "./rule.ts";

const longestMs = 24 * 60 * 60_000;

/** Rules about one module each: rankings, embeddings, audio, images, jobs and batches. */
export const moduleRules: readonly Rule[] = [
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
    { max: longestMs },
  ),
  rule("sim-job-run-<ms>", "sim-job-run-5000", "A job runs so many milliseconds (400).", (jobRunMs) => ({ jobRunMs }), {
    max: longestMs,
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
