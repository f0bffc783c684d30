import { useQuery } from "@tanstack/react-query";
import { isThroughlineError } from "@throughline/client";
import { useParams } from "wouter";
import { useSignedIn } from "../../app-context.tsx";
import { Failure } from "../../ui/failure.tsx";
import { Skeleton } from "../../ui/parts.tsx";
import { LifeOfRequest } from "./life.tsx";
import { NotFound } from "./not-found.tsx";

/** How often a request that runs is looked at. */
const followMs = 1_000;

/** The life of the request that the address names, by any of its IDs. */
export function RequestScreen() {
  const { id = "" } = useParams();
  const { trpc } = useSignedIn();
  const { data, error, refetch } = useQuery({
    ...trpc.requests.get.queryOptions({ id }),
    refetchInterval: ({ state }) => {
      if (isRunning(state.data?.status)) return followMs;
      return isOnItsWay(state.error) ? followMs : false;
    },
  });
  if (data !== undefined) return <LifeOfRequest life={data} />;
  if (error === null) return <Skeleton lines={9} />;
  if (isThroughlineError(error) && error.code === "not_found") {
    return <NotFound id={id} mayCome={isOnItsWay(error)} />;
  }
  return <Failure error={error} retry={() => void refetch()} />;
}

function isRunning(status: string | undefined): boolean {
  return status === "processing" || status === "pending" || status === "queueing";
}

/** Its record may come yet: the gateway says when to ask again. */
function isOnItsWay(error: unknown): boolean {
  return isThroughlineError(error) && error.code === "not_found" && error.retryAfterMs !== null;
}
