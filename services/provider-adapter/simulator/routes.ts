import type { Route, Target } from "./exchange.ts";
import { chatCompletions } from "./formats/openai-chat.ts";

/** A route with what its path says. */
export interface RouteMatch extends Target {
  readonly route: Route;
}

const fixed: ReadonlyMap<string, Route> = new Map<string, Route>([["POST /v1/chat/completions", chatCompletions]]);
const matches: ReadonlyMap<string, RouteMatch> = new Map(
  [...fixed].map(([key, route]) => [key, { route, model: undefined, verb: "", query: "" }]),
);

/** The route of a method and a request target; undefined if there is none. */
export function findRoute(method: string, target: string): RouteMatch | undefined {
  const direct = matches.get(`${method} ${target}`);
  if (direct !== undefined) return direct;
  const mark = target.indexOf("?");
  if (mark === -1) return undefined;
  const plain = matches.get(`${method} ${target.slice(0, mark)}`);
  return plain === undefined ? undefined : { ...plain, query: target.slice(mark + 1) };
}
