import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import {
  type AppRouter,
  createThroughline,
  type Fetch,
  isThroughlineError,
  type Throughline,
} from "@throughline/client";
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from "@trpc/tanstack-react-query";
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

/** A client of the gateway that serves the page. */
export function createClient(key: string, connection: Pick<Connection, "lost">): Throughline {
  return createThroughline({ url: location.origin, key, fetch: watched(connection) });
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
