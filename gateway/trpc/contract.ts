import type { Procedures } from "../../client/contract/router.ts";
import type { AppRouter as Served } from "./router.ts";

/*
 * What the router takes and gives, without how it is made: the client's contract is written from it (client/generator/), and this
 * file does not compile where what was written is out of date.
 */

export type { ErrorData } from "./errors.ts";

/** A procedure: its kind, what its caller gives and gets. */
type Describe<P> = P extends { _def: { type: infer Kind; $types: { input: infer Input; output: infer Output } } }
  ? Kind extends "subscription"
    ? { kind: "Subscription"; input: Input; output: EventOf<Output> }
    : { kind: Kind extends "query" ? "Query" : "Mutation"; input: Input; output: Output }
  : never;

type EventOf<Output> = Output extends AsyncIterable<{ id: string; data: infer Event }> ? Event : never;

type DescribeAll<Groups> = { [G in keyof Groups]: { [P in keyof Groups[G]]: Describe<Groups[G][P]> } };

/** All procedures as they are served. */
export type Described = DescribeAll<Served["_def"]["record"]>;

/** The same of what the client was given. */
type Given = DescribeAll<Procedures>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
type Differing = {
  [G in keyof Described]: G extends keyof Given
    ? {
        [P in keyof Described[G]]: P extends keyof Given[G]
          ? Same<Described[G][P], Given[G][P]> extends true
            ? never
            : `${G & string}.${P & string}`
          : `${G & string}.${P & string}`;
      }[keyof Described[G]]
    : G;
}[keyof Described];
type Gone = Exclude<keyof Given, keyof Described>;

/** Procedures of which the client's contract says something else: run `npm run client:generate`. */
type OutOfDate = [Differing | Gone] extends [never] ? "client/contract/router.ts is up to date" : Differing | Gone;

export const contractIs: OutOfDate = "client/contract/router.ts is up to date";
