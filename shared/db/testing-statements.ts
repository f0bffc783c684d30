import pg from "pg";

/** Statements that this process sends while they are watched. */
export interface WatchedStatements {
  /** The name of each statement in the order of sending; the SQL of a statement that has no name. */
  readonly names: readonly string[];
  stop(): void;
}

/** Watches the driver itself, so that whatever room a statement is sent from, it is seen. One watch at a time. */
export function watchStatements(): WatchedStatements {
  const names: string[] = [];
  const { query } = pg.Client.prototype;
  const watched = new Proxy(query, {
    apply(send, client, given: unknown[]) {
      names.push(nameOf(given[0]));
      return Reflect.apply(send, client, given);
    },
  });
  pg.Client.prototype.query = watched;
  return {
    names,
    stop() {
      pg.Client.prototype.query = query;
    },
  };
}

function nameOf(query: unknown): string {
  if (typeof query !== "object" || query === null) return String(query);
  const name: unknown = Reflect.get(query, "name") ?? Reflect.get(query, "text");
  return typeof name === "string" ? name : query.constructor.name;
}
