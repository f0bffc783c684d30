import { LRUCache } from "lru-cache";
import { deepFreeze } from "../../shared/deep-freeze.ts";
import type { Route } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";

/** Most questions whose answers are remembered. */
const maxRemembered = 10_000;

/** Routes that are the same for all who ask alike, for as long as routing says. */
export interface RouteMemory {
  /** The answer to a question: what is remembered, or what `ask` brings. `question`: equal texts are answered alike. */
  find(question: string, ask: () => Promise<Route>): Route | Promise<Route>;
  /** Forgets all of them, those too that are being asked for: the configuration has changed. */
  forget(): void;
}

interface Remembered {
  readonly route: Route;
  readonly untilMs: number;
  /** One request asks anew, and those that come meanwhile wait for its answer. */
  asking: { readonly answer: Promise<Route>; readonly untilMs: number } | undefined;
}

/** Creates a memory with nothing in it. `nowMs`: a clock that only goes forward. */
export function createRouteMemory(nowMs: () => number = () => performance.now()): RouteMemory {
  const remembered = new LRUCache<string, Remembered>({ max: maxRemembered });
  let changes = 0;

  async function askAnew(question: string, ask: () => Promise<Route>): Promise<Route> {
    const askedMs = nowMs();
    const asAsked = changes;
    const before = remembered.get(question);
    try {
      const answer = ask();
      if (before !== undefined) before.asking = { answer, untilMs: askedMs + before.route.sameForMs };
      const route = await answer;
      if (asAsked !== changes) return route;
      if (route.sameForMs === 0) remembered.delete(question);
      // Shared by all, so nobody may change it.
      else
        remembered.set(question, { route: deepFreeze(route), untilMs: askedMs + route.sameForMs, asking: undefined });
      return route;
    } finally {
      if (before !== undefined) before.asking = undefined;
    }
  }

  /** Takes the route that another request is told. Where that is meant for it alone, or is an error, this request asks for itself. */
  async function takeAlong(answer: Promise<Route>, ask: () => Promise<Route>): Promise<Route> {
    const route = await answer.catch(() => undefined);
    return route === undefined || route.sameForMs === 0 ? ask() : route;
  }

  return {
    find(question, ask) {
      const known = remembered.get(question);
      if (known === undefined) return askAnew(question, ask);
      const now = nowMs();
      if (now < known.untilMs) return known.route;
      const { asking } = known;
      return asking !== undefined && now < asking.untilMs ? takeAlong(asking.answer, ask) : askAnew(question, ask);
    },
    forget() {
      changes += 1;
      remembered.clear();
    },
  };
}
