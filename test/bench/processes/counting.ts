import { renameSync, writeFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import { callOp } from "../../../shared/rpc/link.ts";
import type { openLocalLink } from "../../../shared/rpc/local-link.ts";
import { watchedEncoders } from "../../guard/lane-messages.ts";
import { createTallying } from "../measure/tally.ts";

/*
 * Loaded before a Throughline whose messages and statements are to be counted (NODE_OPTIONS=--import ...?folder=...): the
 * product itself counts nothing, and rows that are timed run without this. SIGUSR2 writes what was counted so far into the folder.
 */

const tallying = createTallying();

/** The encoders of lanes, counted. */
export function countedEncoders(real: Parameters<typeof watchedEncoders>[0]): Parameters<typeof watchedEncoders>[0] {
  return watchedEncoders(real, ({ lane, to, entries }) => tallying.message(lane, to, entries));
}

/** A lane within the process, counted in both directions. */
export function countedLocalLink(real: typeof openLocalLink): typeof openLocalLink {
  return (accept, shape, maxMessageBytes) => {
    const lane = shape.path.slice(shape.path.lastIndexOf("/") + 1);
    const open = real(
      (link) =>
        accept({
          ...link,
          send(results) {
            tallying.message(lane, "client", results.length);
            link.send(results);
          },
        }),
      shape,
      maxMessageBytes,
    );
    return (events) => {
      const link = open(events);
      return {
        ...link,
        send(items) {
          const calls = items.filter(({ op }) => op !== callOp.acknowledge).length;
          if (calls > 0) tallying.message(lane, "server", calls);
          link.send(items);
        },
      };
    };
  };
}

/** Files of the product in whose place a wrapper is loaded, by the end of their address: what it exports in place of theirs. */
const wrappers: Readonly<Record<string, string>> = {
  "/shared/rpc/encode.ts":
    "const counted = counting.countedEncoders(real); export const { createItemEncoder, createResultEncoder } = counted;",
  "/shared/rpc/local-link.ts": "export const openLocalLink = counting.countedLocalLink(real.openLocalLink);",
};

registerHooks({
  load(url, context, nextLoad) {
    const wrapper = Object.entries(wrappers).find(([end]) => url.endsWith(end))?.[1];
    if (wrapper === undefined) return nextLoad(url, context);
    const real = JSON.stringify(`${url}?counted`);
    const source = `export * from ${real}; import * as real from ${real}; import * as counting from ${JSON.stringify(import.meta.url)}; ${wrapper}`;
    return { format: "module", source, shortCircuit: true };
  },
});

interface Driver {
  readonly Client: { readonly prototype: { query: (...given: unknown[]) => unknown } };
}

// The driver of what is started, which may be another checkout's.
const { prototype } = (createRequire(process.argv[1] ?? import.meta.url)("pg") as Driver).Client;
const { query } = prototype;
prototype.query = function counted(this: object, ...given) {
  tallying.statement(this, sqlOf(given[0]));
  return Reflect.apply(query, this, given);
};

function sqlOf(query: unknown): string {
  if (typeof query !== "object" || query === null) return String(query);
  const text: unknown = Reflect.get(query, "text");
  return typeof text === "string" ? text : "";
}

const folder = new URL(import.meta.url).searchParams.get("folder") ?? ".";
process.on("SIGUSR2", () => {
  const file = join(folder, `${process.pid}.json`);
  // A reader sees all of it or nothing.
  writeFileSync(`${file}.new`, JSON.stringify(tallying.tally));
  renameSync(`${file}.new`, file);
});
