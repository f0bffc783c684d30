import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link } from "wouter";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { Failure } from "../../ui/failure.tsx";
import { Badge, Skeleton } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";

const weekMs = 604_800_000;
const shownErrors = 10;

/** The last requests that failed at a channel. */
export function LastErrors({ channel, keyId }: { channel?: string; keyId?: string }) {
  const { channels: words } = useWords();
  const { trpc } = useSignedIn();
  const from = useMemo(() => new Date(Date.now() - weekMs).toISOString(), []);
  const { data, error } = useQuery(
    trpc.requests.list.queryOptions({
      filter: {
        statuses: ["failed"],
        from,
        ...(channel === undefined ? {} : { channel }),
        ...(keyId === undefined ? {} : { key_id: keyId }),
      },
      limit: shownErrors,
    }),
  );
  if (error !== null) return <Failure error={error} />;
  if (data === undefined) return <Skeleton lines={4} />;
  if (data.requests.length === 0) return <p className="padded quiet">{words.noErrors}</p>;
  return (
    <ul className="errors">
      {data.requests.map(({ id, error: failure, created_time, requested_model }) => (
        <li key={id}>
          <Badge tone="bad">{failure?.code ?? ""}</Badge>
          <Link href={`/requests/${id}`}>{requested_model || id}</Link>
          <span className="quiet">
            <Time at={created_time} />
          </span>
          <p className="quiet">{failure?.message}</p>
        </li>
      ))}
    </ul>
  );
}
