import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { AccountChoice, useAccountNames } from "../../ui/accounts.tsx";
import { Failure } from "../../ui/failure.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, PageHead, Usd } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";

const pageLength = 100;

/** Every movement of money, newest first, and the proof that they are sound. */
export function Ledger() {
  const { client, rights } = useSignedIn();
  const { ledger: words, manage } = useWords();
  const names = useAccountNames();
  const [accountId, setAccountId] = useState("");
  const pages = usePages(["ledger", accountId], async (cursor) => {
    const { entries, next_cursor } = await client.ledger.list.query({
      ...(accountId === "" ? {} : { account_id: accountId }),
      ...(cursor && { cursor }),
      limit: pageLength,
    });
    return { rows: entries, next: next_cursor ?? undefined };
  });
  return (
    <div className="stack">
      <PageHead title={words.title} lead={words.lead} />
      {rights.readPlatform ? <Audit /> : null}
      <Card flush>
        <div className="filters">
          <AccountChoice value={accountId} onChange={setAccountId} />
        </div>
        <Paged pages={pages} none={words.none}>
          {(rows) => (
            <table className="table wide">
              <thead>
                <tr>
                  <th>{words.time}</th>
                  <th>{words.kind}</th>
                  <th>{manage.account}</th>
                  <th className="number">{words.amount}</th>
                  <th>{words.why}</th>
                  <th>{words.of}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((entry) => (
                  <tr key={`${entry.kind}-${entry.entry_id}`}>
                    <td>
                      <Time at={entry.created_time} as="absolute" />
                    </td>
                    <td>
                      <Badge tone={entry.kind === "topup" ? "good" : "calm"}>{words.kinds[entry.kind]}</Badge>
                    </td>
                    <td>{names.get(entry.account_id) ?? entry.account_id}</td>
                    <td className="number">
                      <Usd amount={entry.amount_usd} />
                    </td>
                    <td>
                      {entry.reason}
                      {entry.reference === null ? null : <code className="quiet"> {entry.reference}</code>}
                    </td>
                    <td>
                      {entry.request === null ? (
                        <span className="quiet">{entry.actor}</span>
                      ) : (
                        <Link href={`/requests/${entry.entry_id}`}>
                          <code>{entry.entry_id}</code> {entry.request.model}
                        </Link>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Paged>
      </Card>
    </div>
  );
}

/** The audit, when somebody asks for it: it reads the whole ledger. */
function Audit() {
  const { trpc } = useSignedIn();
  const { ledger: words } = useWords();
  const formats = useFormats();
  const { data, error, isFetching, refetch } = useQuery({
    ...trpc.ledger.audit.queryOptions(),
    enabled: false,
    refetchInterval: false,
  });
  return (
    <Card
      title={words.audit}
      aside={
        <button type="button" className="button" disabled={isFetching} onClick={() => void refetch()}>
          {isFetching ? words.auditing : words.auditNow}
        </button>
      }
    >
      {error === null ? null : <Failure error={error} />}
      {data === undefined ? (
        <p className="quiet">{words.auditText}</p>
      ) : (
        <div role="status">
          <p>
            <Badge tone={data.sound ? "good" : "bad"}>{data.sound ? words.sound : words.unsound}</Badge>
          </p>
          <ul className="checks">
            {data.checks.map(({ name, checked, offending }) => (
              <li key={name}>
                <Badge tone={offending.length === 0 ? "good" : "bad"}>
                  {offending.length === 0 ? words.fine : formats.integer(offending.length)}
                </Badge>
                {name} <span className="quiet">{words.checked(formats.integer(checked))}</span>
              </li>
            ))}
          </ul>
        </div>
      )}
    </Card>
  );
}
