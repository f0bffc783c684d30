import type { ClientOptions } from "./rpc/index.ts";

/** Which lane methods may be sent twice, which are answered at once, which have a caller who waits, and which wait for others to travel with. */
export type LaneHabits = Pick<ClientOptions, "idempotent" | "prompt" | "lingerMs" | "waited">;

/** How each service's lanes are called. */
export const laneHabits = {
  routing: { idempotent: ["resolve"], prompt: ["resolve"], waited: ["resolve"] },
  // Nobody waits for these two, and a message of a lane costs as much as ten items in it.
  billing: {
    idempotent: ["authenticate", "reserve", "settle"],
    prompt: ["authenticate", "reserve"],
    waited: ["authenticate", "reserve"],
    lingerMs: { settle: 10 },
  },
  provider: { waited: ["invoke"] },
  history: { idempotent: ["record"], lingerMs: { record: 10 } },
  jobs: {},
} as const satisfies Record<string, LaneHabits>;
