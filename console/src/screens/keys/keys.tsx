import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useFormats, useSignedIn, useWords } from "../../app-context.tsx";
import { AccountChoice, useAccounts } from "../../ui/accounts.tsx";
import { ManagedList, RowActions } from "../../ui/managed-list.tsx";
import { usePages } from "../../ui/pages.tsx";
import { Badge } from "../../ui/parts.tsx";
import type { ColumnOf } from "../../ui/table.tsx";
import { Time, useNow } from "../../ui/time.tsx";
import { KeyDialog } from "./key-dialog.tsx";
import { LimitsLeft } from "./limits-left.tsx";
import type { Key, KeyTask } from "./tasks.ts";

const pageLength = 100;
const listKey = ["keys"] as const;
/** How often it is asked what is left. */
const refreshMs = 10_000;

/** The keys that are reached, and what they have left: made, bounded, rotated, revoked. */
export function Keys() {
  const { client, rights } = useSignedIn();
  const { keys: words, manage } = useWords();
  const queries = useQueryClient();
  const [accountId, setAccountId] = useState("");
  const [task, setTask] = useState<KeyTask>();
  const pages = usePages<Key>(
    [...listKey, accountId],
    async (after) => {
      const asked = { ...(accountId === "" ? {} : { account_id: accountId }), ...(after && { after_key_id: after }) };
      const { keys, has_more } = await client.keys.list.query({ ...asked, limit: pageLength, with_standing: true });
      return { rows: keys, next: has_more ? keys.at(-1)?.key_id : undefined };
    },
    refreshMs,
  );
  const columns: readonly ColumnOf<Key>[] = [
    {
      head: words.name,
      isHead: true,
      cell: ({ name, prefix }) => (
        <>
          {name || words.unnamed}
          <br />
          <code className="quiet">{prefix}…</code>
        </>
      ),
    },
    { head: manage.account, cell: ({ account_id }) => <Account id={account_id} /> },
    {
      head: words.may,
      cell: ({ scopes }) => scopes.map((scope) => (scope === "*" ? words.everything : scope)).join(", "),
    },
    { head: words.left, cell: ({ limits, standing }) => <LimitsLeft limits={limits} standing={standing} /> },
    { head: words.state, cell: (key) => <KeyState at={key} /> },
    { head: words.made, cell: ({ created_time }) => <Time at={created_time} /> },
  ];
  const tasks = ["change", "rotate", "revoke"] as const;
  const actions = (key: Key) =>
    key.revoked_time === null ? (
      <RowActions
        of={key.name || key.prefix}
        actions={tasks.map((kind) => [kind, words[kind], () => setTask({ kind, key })])}
        danger="revoke"
      />
    ) : null;
  return (
    <>
      <ManagedList
        words={words}
        pages={pages}
        columns={columns}
        keyOf={({ key_id }) => key_id}
        actions={rights.changeAdministration ? actions : undefined}
        onMake={() => setTask({ kind: "make" })}
        filters={<AccountChoice value={accountId} onChange={setAccountId} />}
      />
      {task === undefined ? null : (
        <KeyDialog
          task={task}
          onClose={() => setTask(undefined)}
          onDone={() => void queries.invalidateQueries({ queryKey: listKey })}
        />
      )}
    </>
  );
}

/** Who pays, and what a request may still cost. */
function Account({ id }: { id: string }) {
  const { keys: words } = useWords();
  const formats = useFormats();
  const account = useAccounts(refreshMs).get(id);
  if (account === undefined) return id;
  return (
    <>
      {account.name}
      <br />
      <span className="quiet" title={`$${account.available_usd}`}>
        {words.creditLeft(formats.usd(account.available_usd))}
      </span>
    </>
  );
}

function KeyState({ at: { revoked_time, expires_time, kind } }: { at: Key }) {
  const { keys: words, me } = useWords();
  const now = useNow();
  const isOver = expires_time !== null && Date.parse(expires_time) <= now;
  return (
    <>
      <Badge tone={revoked_time !== null || isOver ? "bad" : "good"}>
        {revoked_time !== null ? words.revoked : isOver ? words.expired : words.works}
      </Badge>
      <Badge>{me.kinds[kind]}</Badge>
    </>
  );
}
