import { type DestinationStream, type Level, pino } from "pino";
import { fewAlike } from "./few-alike.ts";
import { createLogOutput, type LogDestination } from "./log-output.ts";
import { scrub, scrubJson } from "./scrub.ts";

/** A pino logger: `log.info({ request_id, trace_id }, "message")`. On hot paths pass fields so, `child` only per process or lane. */
export type Log = pino.Logger;

/** Settings of a logger. */
export interface LogOptions {
  /** Shown as `service` on every line. */
  service: string;
  /** Lowest level written; "info" unless given. */
  level?: Level | "silent";
  /** "stdout" unless given. Services that share a process share one `createLogOutput()`, so that lines never mix. */
  destination?: "stdout" | LogDestination;
}

/**
 * Creates a log: JSON lines with ISO time, the level as a word and `service`. `err` is serialized with its causes. What
 * looks like a key, and any field named like one (authorization, x-api-key, apiKey, password ...), is replaced on the finished
 * line, so neither depth nor message text hides it.
 */
export function createLog({ service, level = "info", destination = "stdout" }: LogOptions): Log {
  const output = destination === "stdout" ? createLogOutput() : destination;
  const time = createIsoTime();
  const log = pino(
    {
      level,
      base: { service },
      timestamp: time,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: serializeError, request_id: serializeId },
      hooks: { streamWrite: scrubJson },
    },
    output as DestinationStream,
  );
  partsOf.set(log, { service, time, output });
  return log;
}

/** What a line is made of beside its own fields. */
interface LineParts {
  readonly service: string;
  readonly time: () => string;
  readonly output: LogDestination;
}

const partsOf = new WeakMap<Log, LineParts>();

/** Fields that are JSON as they are; what is undefined is left out. */
export type PlainFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Writes a line of the message that it was made for.
 *
 * @param own what this line alone says.
 * @param common what many lines say alike.
 */
export type LineWriter<O extends PlainFields, C extends PlainFields> = (level: Level, own: O, common: C) => void;

/** Most texts of what lines have in common that are remembered. */
const maxCommonTexts = 32;

/** Text in which nothing can look like a key, and which is JSON as it stands: an ID in either spelling, hexadecimal digits. */
const harmlessText = /^(?:[0-9a-f]+|[0-9][0-9a-z]*)$/;

/** Names of the fields that the lines of one message have. */
export interface LineFields<O extends PlainFields, C extends PlainFields> {
  readonly own: readonly (keyof O & string)[];
  readonly common: readonly (keyof C & string)[];
}

/**
 * Writes the lines of one message as `log[level]({ ...own, ...common }, message)` does, for a line that every request has: pino asks for
 * each field who serializes it and puts it behind the others, which takes three times as long as to write all of them at once. Half of what
 * was left was the search for secrets in what nearly all lines say alike; that is searched once.
 */
export function createLineWriter<O extends PlainFields, C extends PlainFields>(
  log: Log,
  message: string,
  names: LineFields<O, C>,
): LineWriter<O, C> {
  const parts = partsOf.get(log);
  if (parts === undefined) {
    return (level, own: PlainFields, common: PlainFields) => log[level]({ ...own, ...common }, message);
  }
  const { time, output } = parts;
  const service = `,"service":${JSON.stringify(parts.service)}`;
  const end = `,"msg":${JSON.stringify(message)}}\n`;
  const areAlike = (one: C, other: C): boolean => names.common.every((name) => one[name] === other[name]);
  const commonText = fewAlike(maxCommonTexts, areAlike, searched);
  const harmless = names.own.every((name) => !isSecretName(name)) ? writeHarmless(names.own) : () => undefined;
  return (level, own, common) => {
    if (!log.isLevelEnabled(level)) return;
    output.write(`{"level":"${level}"${time()}${service}${harmless(own) ?? searched(own)}${commonText(common)}${end}`);
  };
}

/** Fields as they stand in a line behind others, without secrets. */
function searched(fields: PlainFields): string {
  const text = scrubJson(JSON.stringify(fields));
  return text === "{}" ? "" : `,${text.slice(1, -1)}`;
}

/** As `searched`, for fields whose values are harmless by their form; undefined: they are not. */
function writeHarmless<O extends PlainFields>(names: readonly (keyof O & string)[]): (fields: O) => string | undefined {
  const fieldStarts = names.map((name) => ({ name, start: `,${JSON.stringify(name)}:` }));
  return (fields) => {
    let text = "";
    for (const { name, start } of fieldStarts) {
      const value: PlainFields[string] = fields[name];
      if (typeof value === "number" && Number.isFinite(value)) text += start + value;
      else if (typeof value === "string" && harmlessText.test(value)) text += `${start}"${value}"`;
      else if (value !== undefined) return undefined;
    }
    return text;
  };
}

function isSecretName(name: string): boolean {
  const field = JSON.stringify({ [name]: "0" });
  return scrubJson(field) !== field;
}

/** The time of a line as ISO text. Lines of one millisecond share it: to make it took a fifth of what a line costs. */
function createIsoTime(): () => string {
  let madeMs = Number.NaN;
  let made = "";
  return () => {
    const nowMs = Date.now();
    if (nowMs !== madeMs) {
      madeMs = nowMs;
      made = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return made;
  };
}

/** Waits until everything logged so far is written, or for a second where nobody reads it. */
export function flushLog(log: Log): Promise<void> {
  return new Promise((resolve) => log.flush(() => resolve()));
}

/** Request IDs are 64 bits: as JSON numbers they would lose digits in every reader. */
function serializeId(id: unknown): unknown {
  return typeof id === "bigint" ? id.toString() : id;
}

interface SerializedError {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: SerializedError;
}

/** How deep causes are followed; a cycle ends here too. */
const maxCauses = 4;

function serializeError(error: unknown): unknown {
  return describeError(error, 0);
}

// Only these properties: request objects, headers and bodies that libraries hang on their errors stay out of the log.
function describeError(error: unknown, depth: number): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: scrub(textOf(error)) };
  const described: SerializedError = { type: error.name, message: scrub(error.message) };
  if ("code" in error && (typeof error.code === "string" || typeof error.code === "number")) {
    described.code = String(error.code);
  }
  if (error.stack !== undefined) described.stack = scrub(error.stack);
  if (error.cause !== undefined && depth < maxCauses) described.cause = describeError(error.cause, depth + 1);
  return described;
}

function textOf(value: unknown): string {
  try {
    return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return "a value that cannot be shown";
  }
}
