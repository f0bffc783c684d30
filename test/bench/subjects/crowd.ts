import { join } from "node:path";
import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import type { Behaviour } from "../upstream/answers.ts";
import type { Ground } from "./ground.ts";
import { floor, peer } from "./others.ts";
import type { Subject } from "./subject.ts";
import { throughline } from "./throughline.ts";

/** More connections to one upstream than a process opens by itself; garbage is collected when the bench asks for it. */
const crowdEnv = {
  UPSTREAM_MAX_CONNECTIONS: "16384",
  NODE_OPTIONS: `--import ${new URL("../processes/collect.ts", import.meta.url).href}`,
};

/** A stream as they usually are. */
export const usualStream: Behaviour = { kind: "stream", chunks: 100, everyMs: 5, chunkBytes: 0 };

/** Rows that can hold thousands of streams, and tell what they hold (`heldMb`). */
export const crowdNames = ["floor", "peer", "up", "mesh"] as const;

/** Starts one of them with data of its own, and warms it up with so many requests and some streams. */
export async function startForCrowd(
  ground: Ground,
  name: (typeof crowdNames)[number],
  warmUp: number,
  what = "crowd",
): Promise<Subject> {
  const subject = await (name === "floor"
    ? floor(ground, 1, crowdEnv)
    : name === "peer"
      ? peer(ground, 1, crowdEnv)
      : throughline(ground, {
          name,
          mode: name,
          sampled: 0.01,
          starts: 0,
          env: crowdEnv,
          dataFolder: join(ground.folder, `${what}-${name}`),
        }));
  const request = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
  must(subject, await closedLoop(subject.target, 64, { count: warmUp }, () => request));
  const streaming = chatRequest(subject.target, usualStream);
  must(subject, await closedLoop(subject.target, 50, { count: 100 }, () => streaming));
  return subject;
}
