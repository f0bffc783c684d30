import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import {
  type AppRouter,
  createThroughline,
  type Fetch,
  isThroughlineError,
  type RouterInputs,
  type RouterOutputs,
  type Throughline,
} from "@throughline/client";
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from "@trpc/tanstack-react-query";
import type { Session } from "../session/session.ts";
import type { Connection } from "./connection.ts";

/** Most often that a call is repeated which may succeed later. */
const maxRepeats = 2;
/** How often a page asks again for what failed and may succeed later. */
const askAgainMs = 3_000;

/**
 * Makes the cache of answers that all screens share. It decides how calls are repeated.
 *
 * @param refused told when the gateway no longer takes the key, with the code of its error.
 */
export function createQueryClient(refused: (code: string) => void): QueryClient {
  const onError = (error: unknown) => {
    if (isThroughlineError(error) && error.httpStatus === 401) refused(error.code);
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        // The connection watches the gateway; the browser's own opinion is about the internet.
        networkMode: "always",
        staleTime: 2_000,
        refetchOnWindowFocus: true,
        retry: (repeats, error) => repeats < maxRepeats && mayPass(error),
        refetchInterval: ({ state }) => (mayPass(state.error) ? askAgainMs : false),
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}

function mayPass(error: unknown): boolean {
  return isThroughlineError(error) && error.retryable;
}

/** A client of the gateway that serves the page, with the session's key as it is at each call. */
export function createClient(session: Session, connection: Pick<Connection, "lost">): Throughline {
  return clientOf(() => session.key() ?? "", renewing(session, watched(connection)));
}

/** Gives the session's own key a new secret, and goes on with it. */
export type Renew = (asked: RouterInputs["me"]["rotate"]) => Promise<RouterOutputs["me"]["rotate"]>;

/** Makes what renews the session's key. Its client waits for no new secret, for it is the one that brings it. */
export function createRenew(session: Session, connection: Pick<Connection, "lost">): Renew {
  const client = clientOf(() => session.key() ?? "", watched(connection));
  return async (asked) => {
    const rotated = client.me.rotate.mutate(asked);
    await session.renew(rotated.then(({ secret }) => secret));
    return rotated;
  };
}

/** Whose key it is. Throws the refusal. */
export async function tryKey(key: string, connection: Pick<Connection, "lost">): Promise<void> {
  await clientOf(() => key, watched(connection)).me.get.query();
}

function clientOf(key: () => string, fetch: Fetch): Throughline {
  return createThroughline({ url: location.origin, key, fetch });
}

/** A fetch that sends again with the new secret what was sent with the old one and refused while it was replaced. */
function renewing(session: Session, fetch: Fetch): Fetch {
  return async (url, init) => {
    const response = await fetch(url, init);
    if (response.status !== 401) return response;
    await session.settled();
    const key = session.key();
    const authorization = `Bearer ${key}`;
    if (key === undefined || init === undefined || init.headers.authorization === authorization) return response;
    return fetch(url, { ...init, headers: { ...init.headers, authorization } });
  };
}

/** Queries and mutations with the types of the contract: `useQuery(trpc.me.get.queryOptions())`. */
export type Trpc = TRPCOptionsProxy<AppRouter>;

/** Makes the options of queries and mutations. */
export function createTrpc(client: Throughline, queryClient: QueryClient): Trpc {
  return createTRPCOptionsProxy<AppRouter>({ client, queryClient });
}

/** Whether the gateway answers, whatever it thinks of its services. Its probes may not be reached from outside; its page is. */
export async function gatewayAnswers(): Promise<boolean> {
  try {
    const { ok } = await fetch("/console", { method: "HEAD", cache: "no-store" });
    return ok;
  } catch {
    return false;
  }
}

/** A fetch that tells the connection when no gateway answered: nobody, or a proxy before it. */
function watched({ lost }: Pick<Connection, "lost">): Fetch {
  return async (url, init) => {
    try {
      const response = await fetch(url, init);
      const isGateways = response.headers.has("x-trace-id");
      if (response.status >= 502 && !isGateways) lost();
      return response;
    } catch (error) {
      if (init?.signal?.aborted !== true) lost();
      throw error;
    }
  };
}
