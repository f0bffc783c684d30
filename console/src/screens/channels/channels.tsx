import { useQuery } from "@tanstack/react-query";
import type { RouterOutputs } from "@throughline/client";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { useAddress } from "../../data/use-address.ts";
import { useSeries } from "../../data/use-series.ts";
import { Dialog } from "../../ui/dialog.tsx";
import { Badge, Card, Empty, PageHead, Usd } from "../../ui/parts.tsx";
import { type ColumnOf, DataTable } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { LastErrors } from "./last-errors.tsx";
import { totalsByGroup } from "./totals.ts";

type Channel = RouterOutputs["channels"]["list"]["channels"][number];

const hourMs = 3_600_000;
const spans = { "1h": hourMs, "24h": 24 * hourMs, "7d": 168 * hourMs } as const;
type Span = keyof typeof spans;
const refreshMs = 5_000;

/** The channels, how each fares, and its last errors. */
export function Channels() {
  const { channels: words, requests } = useWords();
  const formats = useFormats();
  const { trpc } = useSignedIn();
  const [given, setSpan] = useAddress("range");
  const span: Span = Object.hasOwn(spans, given) ? (given as Span) : "24h";
  const [opened, setOpened] = useState<string>();
  const list = useQuery({ ...trpc.channels.list.queryOptions(), refetchInterval: refreshMs });
  // To the minute, so that a page asks the same for a while.
  const to = useMemo(() => Math.ceil(Date.now() / 60_000) * 60_000, []);
  const sums = useSeries({
    from: new Date(to - spans[span]).toISOString(),
    to: new Date(to + hourMs).toISOString(),
    step: span === "7d" ? "day" : "hour",
    group_by: "channel",
  });
  const totals = useMemo(() => totalsByGroup(sums.data ?? []), [sums.data]);
  const columns: readonly ColumnOf<Channel>[] = [
    {
      head: words.channel,
      isHead: true,
      cell: ({ name, platform, adapter }) => (
        <>
          <Link href={`/requests?channel=${encodeURIComponent(name)}`}>{name}</Link>
          <div className="quiet">{platform || adapter}</div>
        </>
      ),
    },
    { head: words.health, cell: (channel) => <Health channel={channel} /> },
    {
      head: words.firstByte,
      isNumber: true,
      cell: ({ health }) => (health?.first_byte_ms == null ? "–" : formats.duration(health.first_byte_ms)),
    },
    { head: words.requests, isNumber: true, cell: ({ name }) => formats.integer(totals.get(name)?.requests ?? 0) },
    {
      head: words.errors,
      isNumber: true,
      cell: ({ name }) => {
        const { requests: count = 0, errors = 0 } = totals.get(name) ?? {};
        return count === 0 ? "–" : formats.percent(errors / count);
      },
    },
    {
      head: words.latency,
      isNumber: true,
      cell: ({ name }) => {
        const total = totals.get(name);
        return total === undefined ? "–" : `${formats.duration(total.p50Ms)} / ${formats.duration(total.p99Ms)}`;
      },
    },
    { head: words.spend, isNumber: true, cell: ({ name }) => <Usd amount={totals.get(name)?.billedUsd ?? "0"} /> },
    { head: words.order, isNumber: true, cell: ({ priority, weight }) => `${priority}, ${weight}` },
    {
      head: words.models,
      isNumber: true,
      cell: ({ models }) => <span title={models.map(({ model }) => model).join(", ")}>{models.length}</span>,
    },
    {
      head: words.lastErrors,
      cell: ({ name }) => (
        <div className="row-actions">
          <button type="button" className="button" aria-label={words.show(name)} onClick={() => setOpened(name)}>
            {words.lastErrors}
          </button>
        </div>
      ),
    },
  ];
  return (
    <>
      <PageHead title={words.title} lead={words.lead}>
        <fieldset className="segments" aria-label={words.range}>
          {(Object.keys(spans) as Span[]).map((one) => (
            <button key={one} type="button" aria-pressed={one === span} onClick={() => setSpan(one)}>
              {requests.ranges[one]}
            </button>
          ))}
        </fieldset>
      </PageHead>
      <Card flush>
        <DataTable
          name={words.title}
          columns={columns}
          rows={list.data?.channels ?? []}
          keyOf={({ name }) => name}
          state={list}
          empty={
            <Empty icon="channels" title={words.none}>
              {words.noneText}
            </Empty>
          }
        />
      </Card>
      {opened === undefined ? null : (
        <Dialog title={words.show(opened)} onClose={() => setOpened(undefined)}>
          <LastErrors channel={opened} />
        </Dialog>
      )}
    </>
  );
}

const tones = {
  open: "bad",
  limited: "bad",
  failing: "bad",
  cooling_down: "warn",
  degraded: "warn",
  healthy: "good",
  quiet: "calm",
} as const;

function Health({ channel: { health, enabled } }: { channel: Channel }) {
  const { channels: words } = useWords();
  const formats = useFormats();
  if (!enabled) return <Badge>{words.off}</Badge>;
  if (health === null) return <Badge>{words.states.quiet}</Badge>;
  const { state, recent_attempts: attempts, recent_failures: failures, cooldown_until, last_failure } = health;
  return (
    <>
      <Badge tone={tones[state]}>{words.states[state]}</Badge>
      {failures === 0 ? null : (
        <span className="quiet">{words.latelyNote(formats.integer(failures), formats.integer(attempts))}</span>
      )}
      {cooldown_until === null ? null : (
        <div className="quiet">{words.cooling(formats.absolute(cooldown_until).slice(11))}</div>
      )}
      {last_failure === null ? null : (
        <div className="quiet">
          {words.lastFailure} <code>{[last_failure.status, last_failure.code].filter(Boolean).join(" ")}</code>{" "}
          <Time at={last_failure.time} />
        </div>
      )}
    </>
  );
}
