import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { Router } from "wouter";
import { SignedInProvider, useHouse } from "./app-context.tsx";
import { createClient, createRenew, createTrpc } from "./data/client.ts";
import { Screens } from "./layout/screens.tsx";
import { Shell } from "./layout/shell.tsx";
import { Splash } from "./layout/splash.tsx";
import { SignIn } from "./screens/sign-in/sign-in.tsx";
import { rightsOf } from "./session/rights.ts";

/** The console: the sign-in, or what the key may see. */
export function App() {
  const { session } = useHouse();
  const isOpen = useSyncExternalStore(session.subscribe, () => session.key() !== undefined);
  const number = useSyncExternalStore(session.subscribe, session.number);
  return <Router base="/console">{isOpen ? <ForKey key={number} /> : <SignIn />}</Router>;
}

/** What is there for one key. */
function ForKey() {
  const { session, connection, queryClient } = useHouse();
  const client = useMemo(() => createClient(session, connection), [session, connection]);
  const renew = useMemo(() => createRenew(session, connection), [session, connection]);
  const trpc = useMemo(() => createTrpc(client, queryClient), [client, queryClient]);
  const { data: me, error } = useQuery(trpc.me.get.queryOptions());
  useEffect(() => () => queryClient.clear(), [queryClient]);
  const value = useMemo(
    () => (me === undefined ? undefined : { me, rights: rightsOf(me), trpc, client, renew }),
    [me, trpc, client, renew],
  );
  if (value === undefined) return <Splash error={error} />;
  return (
    <SignedInProvider value={value}>
      <Shell>
        <Screens />
      </Shell>
    </SignedInProvider>
  );
}
