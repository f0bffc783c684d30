import { type Dialect, PostgresDialect, type PostgresPoolClient, type PostgresQueryResult } from "kysely";
import type { Session } from "./pool.ts";

/** Kysely over the pool: each statement or transaction takes a session and releases it. */
export function kyselyDialect(acquire: () => Promise<Session>): Dialect {
  return new PostgresDialect({
    pool: {
      options: {},
      connect: async () => {
        const session = await acquire();
        return toClient(session, (destroy) => {
          if (destroy) session.discard();
          session.release();
        });
      },
      end: async () => undefined,
    },
  });
}

/** Kysely on one session, which stays its owner's to release. */
export function sessionDialect(session: Session): Dialect {
  const client = toClient(session, (destroy) => {
    if (destroy) session.discard();
  });
  return new PostgresDialect({ pool: { options: {}, connect: async () => client, end: async () => undefined } });
}

function toClient(session: Session, release: (destroy: boolean | undefined) => void): PostgresPoolClient {
  const client = {
    query: (text: string, values: readonly unknown[]) => session.run({ text, values: [...values] }),
    release,
  };
  // Kysely's overload for cursors is never used: the dialect is given no cursor class.
  return client as {
    query: <R>(text: unknown, values?: readonly unknown[]) => Promise<PostgresQueryResult<R>>;
  } as unknown as PostgresPoolClient;
}
