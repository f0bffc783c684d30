import { type Rule, rule } from "./rule.ts";

const minuteMs = 60_000;

/** Rules about every kind of answer: its status, its body and what it reports as used. */
export const answerRules: readonly Rule[] = [
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
];
