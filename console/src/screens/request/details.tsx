import type { ReactNode } from "react";
import { Link } from "wouter";
import { useFormats, useWords } from "../../app-context.tsx";
import { Id } from "../../ui/copy.tsx";
import { Badge, Card, Fact, Facts } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";
import type { Life } from "./phases.ts";

/** All its IDs. */
export function Ids({ life }: { life: Life }) {
  const { life: words } = useWords();
  const ids = [
    [words.decimalId, life.id],
    [words.messageId, life.message_id],
    [words.upstreamId, life.upstream_request_id],
    [words.clientId, life.client_request_id],
    [words.traceId, life.trace.id],
    [words.clientTrace, life.origin?.client_trace_id ?? null],
    [words.secondClientId, life.origin?.second_client_request_id ?? null],
    [words.idempotencyKey, life.origin?.idempotency_key ?? null],
  ] as const;
  return (
    <Card title={words.ids}>
      <Facts>
        {ids.map(([name, id]) =>
          id === null ? null : (
            <Fact key={name} name={name}>
              <Id id={id} what={name} />
            </Fact>
          ),
        )}
      </Facts>
    </Card>
  );
}

/** Who asked for what, and how. */
export function Details({ life }: { life: Life }) {
  const { life: words, common } = useWords();
  const formats = useFormats();
  const facts: readonly (readonly [string, ReactNode])[] = [
    [words.received, <Time key="at" at={life.created_time} as="exact" />],
    [words.account, <code key="account">{life.account_id}</code>],
    [words.key, <code key="key">{life.key_id}</code>],
    [words.user, life.end_user ?? life.user_id],
    [words.tags, life.tags.length === 0 ? null : life.tags.map((tag) => <Badge key={tag}>{tag}</Badge>)],
    [words.requestedModel, life.requested_model],
    [words.servedModel, life.response_model ?? life.model],
    [words.dialect, <code key="dialect">{life.dialect}</code>],
    [words.streamed, life.stream ? common.yes : common.no],
    [words.strategy, life.strategy],
    [words.finish, life.finish_reason === null ? null : <code key="finish">{life.finish_reason}</code>],
    [words.path, life.origin === null ? null : <code key="path">{life.origin.path}</code>],
    [words.address, life.origin?.address ?? null],
    [words.agent, life.origin?.user_agent ?? null],
    [words.size, life.origin?.request_bytes == null ? null : formats.bytes(life.origin.request_bytes)],
    [words.notes, life.notes.length === 0 ? null : life.notes.join("; ")],
  ];
  return (
    <Card title={words.details}>
      <Facts>
        {facts.map(([name, value]) =>
          value === null || value === "" ? null : (
            <Fact key={name} name={name}>
              {value}
            </Fact>
          ),
        )}
      </Facts>
      {life.metadata === null ? null : (
        <>
          <h3 className="sub">{words.metadata}</h3>
          <pre className="code">{JSON.stringify(life.metadata, null, 2)}</pre>
        </>
      )}
      {life.others.length === 0 ? null : (
        <p className="quiet">
          {words.others}{" "}
          {life.others.map((id) => (
            <Link key={id} href={`/requests/${id}`}>
              {id}{" "}
            </Link>
          ))}
        </p>
      )}
      {life.repaired ? <p className="quiet">{words.repaired}</p> : null}
      {life.reconstructed ? <p className="quiet">{words.reconstructed}</p> : null}
    </Card>
  );
}
