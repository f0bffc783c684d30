import { useMutation } from "@tanstack/react-query";
import { Suspense, useCallback, useMemo } from "react";
import { useChosen, useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { useAddress } from "../../data/use-address.ts";
import { AccountChoice } from "../../ui/accounts.tsx";
import { Failure } from "../../ui/failure.tsx";
import { Icon } from "../../ui/icon.tsx";
import { part } from "../../ui/part.ts";
import { Card, Empty, Figure, Meter, PageHead, Skeleton, Usd } from "../../ui/parts.tsx";
import { type ColumnOf, DataTable } from "../../ui/table.tsx";
import { type Group, ledgerGroups, recordGroups } from "./groups.ts";
import { saveText } from "./save.ts";
import { csvOf, listOf, type Rest, type Sum, seriesOf, totalUsd } from "./series.ts";
import { useLedger } from "./use-ledger.ts";
import { useRecords } from "./use-records.ts";

const Chart = part(async () => (await import("./chart.tsx")).Chart);

const hourMs = 3_600_000;
const spans = {
  "24h": { spanMs: 24 * hourMs, stepMs: hourMs, step: "hour" },
  "7d": { spanMs: 168 * hourMs, stepMs: hourMs, step: "hour" },
  "30d": { spanMs: 720 * hourMs, stepMs: 24 * hourMs, step: "day" },
} as const;
type Span = keyof typeof spans;

const csvHead = (group: Group) => [
  group,
  ...["charged_usd", "list_price_usd", "requests", "errors", "input_tokens", "output_tokens"],
];
const csvRow = (sum: Sum) => [
  ...[sum.group, sum.billedUsd, sum.listUsd ?? "", sum.requests, sum.errors, sum.tokensIn, sum.tokensOut],
];

/** What was spent, on what, over time. */
export function Spend() {
  const { spend: words } = useWords();
  const formats = useFormats();
  const { rights } = useSignedIn();
  const { theme } = useChosen();
  const [givenSpan, setSpan] = useAddress("range");
  const [givenGroup, setGroup] = useAddress("by");
  const [account, setAccount] = useAddress("account_id");
  const span: Span = Object.hasOwn(spans, givenSpan) ? (givenSpan as Span) : "24h";
  const groups: readonly Group[] = rights.readAdministration ? ledgerGroups : recordGroups;
  const group = groups.find((one) => one === givenGroup) ?? "model";
  const { spanMs, stepMs, step } = spans[span];
  const to = useMemo(() => Math.ceil(Date.now() / hourMs) * hourMs, []);
  const from = to - spanMs;
  const asked = { ...{ group, from, to, step, account }, others: words.others };
  const isInLedger = rights.readAdministration && ledgerGroups.some((one) => one === group);
  const ledger = useLedger(asked, isInLedger);
  const records = useRecords(asked, !isInLedger);
  const { sums, rest, points, whole: all, fromLedger, state, readAll } = isInLedger ? ledger : records;
  const series = useMemo(() => seriesOf(points, { from, to, stepMs }, words.others), [points, from, to, stepMs, words]);
  const nameOf = useCallback((name: string) => name || words.unnamed, [words]);
  const named = useMemo(
    () => ({ ...series, lines: series.lines.map((line) => ({ ...line, name: nameOf(line.name) })) }),
    [series, nameOf],
  );
  const total = totalUsd(all);
  const list = listOf(all);
  const count = all.reduce((sum, { requests }) => sum + requests, 0);
  const errors = all.reduce((sum, one) => sum + one.errors, 0);
  const shareOf = (billedUsd: string) => (
    <Meter share={Number(total) === 0 ? 0 : Number(billedUsd) / Number(total)} label={words.share} tone="info" />
  );
  const eachOf = (billedUsd: string, requests: number) =>
    requests === 0 ? "–" : formats.usd((Number(billedUsd) / requests).toFixed(9));
  const restCells = ({ names, requests, billedUsd }: Rest) => [
    words.rest(formats.integer(names)),
    ...[<Usd key="usd" amount={billedUsd} />, shareOf(billedUsd), formats.integer(requests)],
    ...["–", "–", "–", eachOf(billedUsd, requests)],
  ];
  const columns: readonly ColumnOf<Sum>[] = [
    { head: words.groups[group], cell: (sum) => nameOf(sum.group) },
    { head: words.total, isNumber: true, cell: ({ billedUsd }) => <Usd amount={billedUsd} /> },
    {
      head: words.share,
      cell: ({ billedUsd }) => shareOf(billedUsd),
    },
    { head: words.requests, isNumber: true, cell: ({ requests }) => formats.integer(requests) },
    fromLedger
      ? {
          head: words.listPrice,
          isNumber: true,
          cell: ({ listUsd }) => (listUsd === null ? "–" : <Usd amount={listUsd} />),
        }
      : { head: words.errors, isNumber: true, cell: (sum) => formats.integer(sum.errors) },
    { head: words.tokensIn, isNumber: true, cell: ({ tokensIn }) => formats.integer(tokensIn) },
    { head: words.tokensOut, isNumber: true, cell: ({ tokensOut }) => formats.integer(tokensOut) },
    {
      head: words.perRequest,
      isNumber: true,
      cell: ({ billedUsd, requests }) => eachOf(billedUsd, requests),
    },
  ];
  // Names that are not shown are asked for first.
  const save = useMutation({
    mutationFn: readAll,
    onSuccess: (every) => saveText(`throughline-spend-${group}-${span}.csv`, csvOf(csvHead(group), every.map(csvRow))),
  });
  return (
    <div className="stack">
      <PageHead title={words.title} lead={words.lead}>
        {rights.readPlatform ? <AccountChoice value={account} onChange={setAccount} /> : null}
        <button
          type="button"
          className="button"
          onClick={() => save.mutate()}
          disabled={sums.length === 0 || save.isPending}
        >
          <Icon name="download" size={16} />
          {words.csv}
        </button>
      </PageHead>
      {save.isError ? <Failure error={save.error} retry={() => save.mutate()} /> : null}
      <div className="actions">
        <fieldset className="segments" aria-label={words.range}>
          {(Object.keys(spans) as Span[]).map((one) => (
            <button key={one} type="button" aria-pressed={one === span} onClick={() => setSpan(one)}>
              {words.ranges[one]}
            </button>
          ))}
        </fieldset>
        <fieldset className="segments" aria-label={words.by}>
          {groups.map((one) => (
            <button key={one} type="button" aria-pressed={one === group} onClick={() => setGroup(one)}>
              {words.groups[one]}
            </button>
          ))}
        </fieldset>
      </div>
      <div className="figures">
        <Figure name={words.total} value={<Usd amount={total} />} />
        <Figure name={words.requests} value={formats.integer(count)} />
        {fromLedger ? (
          <Figure name={words.listPrice} value={list === null ? "–" : <Usd amount={list} />} />
        ) : (
          <Figure name={words.errors} value={count === 0 ? "–" : formats.percent(errors / count)} />
        )}
        <Figure name={words.perRequest} value={count === 0 ? "–" : formats.usd((Number(total) / count).toFixed(9))} />
      </div>
      {sums.length === 0 ? null : (
        <Card>
          <Suspense fallback={<Skeleton lines={8} />}>
            <Chart key={theme} series={named} label={words.chart(words.groups[group])} />
          </Suspense>
        </Card>
      )}
      <Card flush>
        <DataTable
          name={words.title}
          columns={columns}
          rows={sums}
          keyOf={(sum) => sum.id}
          state={state}
          foot={rest && restCells(rest)}
          empty={
            <Empty icon="spend" title={words.none}>
              {words.noneText}
            </Empty>
          }
        />
      </Card>
    </div>
  );
}
