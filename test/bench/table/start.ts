import type { Ground } from "../subjects/ground.ts";
import { litellm } from "../subjects/litellm.ts";
import { direct, floor, peer } from "../subjects/others.ts";
import type { Subject, SubjectName } from "../subjects/subject.ts";
import { type RunningThroughline, type ThroughlineOptions, throughline } from "../subjects/throughline.ts";

/** How often rows are started, and which checkout those of another one run. */
interface Started {
  readonly starts: number;
  readonly before: string | undefined;
}

/** How a row's Throughline is started beside what its name says. */
type Own = Pick<ThroughlineOptions, "env" | "dataFolder">;

/** Starts a row. */
export function start(
  name: SubjectName,
  ground: Ground,
  { starts, before }: Started,
  say: (text: string) => void,
  own: Own = {},
): Promise<Subject | RunningThroughline> | Subject {
  switch (name) {
    case "direct":
      return direct(ground);
    case "floor":
      return floor(ground, starts);
    case "peer":
      return peer(ground, starts);
    case "litellm":
      return litellm(ground, say);
    case "up":
    case "mesh":
      return throughline(ground, { name, mode: name, sampled: 0.01, starts, ...own });
    case "up-before":
    case "mesh-before":
      return other(name, ground, { starts, before }, own);
    case "up-traced":
      return throughline(ground, { name, mode: "up", sampled: 1, starts: 0, ...own });
    case "mesh-traced":
      return throughline(ground, { name, mode: "mesh", sampled: 1, starts: 0, ...own });
  }
}

/** Throughline of another checkout. Its books are not looked into: its database may be another one. */
async function other(
  name: "up-before" | "mesh-before",
  ground: Ground,
  { before, starts }: Started,
  own: Own,
): Promise<Subject> {
  if (before === undefined) throw new Error(`${name} needs the folder of a checkout`);
  const mode = name === "up-before" ? "up" : "mesh";
  const options = { name, mode, sampled: 0.01, starts, checkout: before, ...own } as const;
  const { kept: _, ...subject } = await throughline(ground, options);
  return { ...subject, what: `${subject.what} (the other checkout)` };
}
