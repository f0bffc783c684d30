import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, PageHead, Usd } from "../../ui/parts.tsx";
import { Time } from "../../ui/time.tsx";
import { LimitsText } from "../keys/limits-text.tsx";
import { AccountDialog } from "./account-dialog.tsx";
import type { AccountTask } from "./tasks.ts";

const pageLength = 100;

/** Accounts, their credit and their limits. */
export function Accounts() {
  const { client, rights } = useSignedIn();
  const { accounts: words, keys, me, manage } = useWords();
  const queries = useQueryClient();
  const [task, setTask] = useState<AccountTask>();
  const pages = usePages(["accounts"], async (after) => {
    const { accounts, has_more } = await client.accounts.list.query({
      ...(after && { after_account_id: after }),
      limit: pageLength,
    });
    return { rows: accounts, next: has_more ? accounts.at(-1)?.account_id : undefined };
  });
  const may = rights.changePlatform;
  return (
    <>
      <PageHead title={words.title} lead={words.lead}>
        {may ? (
          <button type="button" className="button primary" onClick={() => setTask({ kind: "make" })}>
            {words.make}
          </button>
        ) : null}
      </PageHead>
      <Card flush>
        <Paged pages={pages} none={words.none}>
          {(rows) => (
            <table className="table wide">
              <thead>
                <tr>
                  <th>{manage.account}</th>
                  <th>{me.group}</th>
                  <th className="number">{me.balance}</th>
                  <th className="number">{words.reserved}</th>
                  <th>{me.limits}</th>
                  <th>{keys.state}</th>
                  <th>{keys.made}</th>
                  {may ? <th>{manage.actions}</th> : null}
                </tr>
              </thead>
              <tbody>
                {rows.map((account) => (
                  <tr key={account.account_id}>
                    <th scope="row">
                      {account.name} {account.operator ? <Badge tone="info">{words.operator}</Badge> : null}
                      <br />
                      <code className="quiet">{account.account_id}</code>
                    </th>
                    <td>{account.group}</td>
                    <td className="number">
                      <Usd amount={account.balance_usd} />
                    </td>
                    <td className="number">
                      <Usd amount={account.reserved_usd} />
                    </td>
                    <td>
                      <LimitsText limits={account.limits} />
                    </td>
                    <td>
                      <Badge tone={account.state === "active" ? "good" : "bad"}>{me.states[account.state]}</Badge>
                    </td>
                    <td>
                      <Time at={account.created_time} />
                    </td>
                    {may ? (
                      <td>
                        <div className="row-actions">
                          {(["credit", "change"] as const).map((kind) => (
                            <button
                              key={kind}
                              type="button"
                              className="button small"
                              aria-label={`${words[kind]}: ${account.name}`}
                              onClick={() => setTask({ kind, account })}
                            >
                              {words[kind]}
                            </button>
                          ))}
                        </div>
                      </td>
                    ) : null}
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Paged>
      </Card>
      {task === undefined ? null : (
        <AccountDialog
          task={task}
          onClose={() => setTask(undefined)}
          onDone={() => {
            void queries.invalidateQueries();
            setTask(undefined);
          }}
        />
      )}
    </>
  );
}
