import { EventEmitter } from "node:events";
import { fileURLToPath } from "node:url";
import { getCallSites } from "node:util";
import { standIn } from "./stand-in.ts";

/** What is counted: work that costs something each time, and that a program can be seen to do from outside. */
export type Counted =
  | "JSON.parse"
  | "JSON.stringify"
  | "Buffer.concat"
  | "Buffer.from"
  | "Buffer.indexOf"
  | "timer"
  | "AbortController"
  | "listener";

/** One call of what is counted. */
export interface Call {
  readonly what: Counted;
  /** Whose code called: a path of ours, e.g. "gateway/edge/edge.ts", or the name of a package. */
  readonly by: string;
  /** The text that was parsed or written; empty for what is not JSON. */
  readonly json: string;
  /** Where it was. Its stack is only put into words when somebody reads it. */
  readonly trace: Error;
}

/** Calls of this process while they are watched. */
export interface WatchedCalls {
  readonly calls: readonly Call[];
  stop(): void;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const ownFiles = [import.meta.url, new URL("stand-in.ts", import.meta.url)].map((url) => fileURLToPath(url));
/** How far up the stack the caller is looked for: frames of Node stand between. */
const maxFrames = 24;
/** How much of the way there is told. */
const maxTold = 5;

/** Watches by standing in for globals and prototypes. One watch at a time. */
export function watchCalls(): WatchedCalls {
  const calls: Call[] = [];
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = maxFrames;
  const note = (what: Counted, json: unknown = "") => {
    calls.push({ what, by: caller(), json: typeof json === "string" ? json : "", trace: new Error(what) });
  };
  const undo = [
    standIn(JSON, "parse", ({ given }) => note("JSON.parse", given[0])),
    standIn(JSON, "stringify", ({ result }) => note("JSON.stringify", result)),
    standIn(Buffer, "concat", () => note("Buffer.concat")),
    standIn(Buffer, "from", ({ given: [source] }) => {
      // A view of an ArrayBuffer copies nothing.
      if (typeof source === "string" || ArrayBuffer.isView(source)) note("Buffer.from");
    }),
    standIn(Buffer.prototype, "indexOf", () => note("Buffer.indexOf")),
    standIn(globalThis, "setTimeout", () => note("timer")),
    standIn(globalThis, "setInterval", () => note("timer")),
    standIn(globalThis, "AbortController", () => note("AbortController")),
    // `once` comes here too.
    standIn(EventEmitter.prototype, "on", () => note("listener")),
    standIn(EventTarget.prototype, "addEventListener", () => note("listener")),
  ];
  return {
    calls,
    stop() {
      for (const restore of undo) restore();
      Error.stackTraceLimit = stackTraceLimit;
    },
  };
}

/** Whether the caller is code of the platform: neither a library, nor Node, nor the test. */
export function isOurs({ by }: Call): boolean {
  return /^(gateway|services|shared)\//.test(by);
}

/** Where a call came from, e.g. "services/x.ts:27 < services/y.ts:30": our frames, the nearest first. */
export function whereOf({ by, trace }: Call): string {
  const frames = (trace.stack ?? "").split("\n").flatMap((line) => {
    const at = line.indexOf(root);
    const place = at < 0 ? "" : line.slice(at + root.length).replace(/(:\d+):\d+\)?$/, "$1");
    return /^(gateway|services|shared)\//.test(place) ? [place] : [];
  });
  return frames.length === 0 ? by : frames.slice(0, maxTold).join(" < ");
}

function caller(): string {
  for (const { scriptName } of getCallSites(maxFrames)) {
    if (scriptName === "" || /^(node|wasm):/.test(scriptName)) continue;
    const path = scriptName.startsWith("file:") ? fileURLToPath(scriptName) : scriptName;
    if (ownFiles.includes(path)) continue;
    return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.replace(root, "");
  }
  return "node";
}
