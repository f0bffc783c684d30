import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { ManagedList, RowActions } from "../../ui/managed-list.tsx";
import { usePages } from "../../ui/pages.tsx";
import { Badge, Usd } from "../../ui/parts.tsx";
import type { ColumnOf } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import { LimitsText } from "../keys/limits-text.tsx";
import { AccountDialog } from "./account-dialog.tsx";
import type { Account, AccountTask } from "./tasks.ts";

const pageLength = 100;

/** Accounts, their credit and their limits. */
export function Accounts() {
  const { client, rights } = useSignedIn();
  const { accounts: words, keys, me, manage } = useWords();
  const queries = useQueryClient();
  const [task, setTask] = useState<AccountTask>();
  const pages = usePages<Account>(["accounts"], async (after) => {
    const { accounts, has_more } = await client.accounts.list.query({
      ...(after && { after_account_id: after }),
      limit: pageLength,
    });
    return { rows: accounts, next: has_more ? accounts.at(-1)?.account_id : undefined };
  });
  const columns: readonly ColumnOf<Account>[] = [
    {
      head: manage.account,
      isHead: true,
      cell: ({ account_id, name, operator }) => (
        <>
          {name} {operator ? <Badge tone="info">{words.operator}</Badge> : null}
          <br />
          <code className="quiet">{account_id}</code>
        </>
      ),
    },
    { head: me.group, cell: ({ group }) => group },
    { head: me.balance, isNumber: true, cell: ({ balance_usd }) => <Usd amount={balance_usd} /> },
    { head: words.reserved, isNumber: true, cell: ({ reserved_usd }) => <Usd amount={reserved_usd} /> },
    { head: me.limits, cell: ({ limits }) => <LimitsText limits={limits} /> },
    {
      head: keys.state,
      cell: ({ state }) => <Badge tone={state === "active" ? "good" : "bad"}>{me.states[state]}</Badge>,
    },
    { head: keys.made, cell: ({ created_time }) => <Time at={created_time} /> },
  ];
  const tasks = ["credit", "change"] as const;
  const actions = (account: Account) => (
    <RowActions
      of={account.name}
      actions={tasks.map((kind) => [kind, words[kind], () => setTask({ kind, account })])}
    />
  );
  return (
    <>
      <ManagedList
        words={words}
        pages={pages}
        columns={columns}
        keyOf={({ account_id }) => account_id}
        actions={rights.changePlatform ? actions : undefined}
        onMake={() => setTask({ kind: "make" })}
      />
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
