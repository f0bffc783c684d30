import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { AccountChoice, useAccountNames } from "../../ui/accounts.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, PageHead } from "../../ui/parts.tsx";
import { Time, useNow } from "../../ui/time.tsx";
import { KeyDialog } from "./key-dialog.tsx";
import { LimitsText } from "./limits-text.tsx";
import type { Key, KeyTask } from "./tasks.ts";

const pageLength = 100;
const listKey = ["keys"] as const;

/** The keys that are reached: made, bounded, rotated, revoked. */
export function Keys() {
  const { client, rights } = useSignedIn();
  const { keys: words, manage } = useWords();
  const queries = useQueryClient();
  const names = useAccountNames();
  const [accountId, setAccountId] = useState("");
  const [task, setTask] = useState<KeyTask>();
  const pages = usePages([...listKey, accountId], async (after) => {
    const asked = { ...(accountId === "" ? {} : { account_id: accountId }), ...(after && { after_key_id: after }) };
    const { keys, has_more } = await client.keys.list.query({ ...asked, limit: pageLength });
    return { rows: keys, next: has_more ? keys.at(-1)?.key_id : undefined };
  });
  const may = rights.changeAdministration;
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
        <div className="filters">
          <AccountChoice value={accountId} onChange={setAccountId} />
        </div>
        <Paged pages={pages} none={words.none}>
          {(rows) => (
            <table className="table wide">
              <thead>
                <tr>
                  <th>{words.name}</th>
                  <th>{manage.account}</th>
                  <th>{words.may}</th>
                  <th>{words.limits}</th>
                  <th>{words.state}</th>
                  <th>{words.made}</th>
                  {may ? <th>{manage.actions}</th> : null}
                </tr>
              </thead>
              <tbody>
                {rows.map((key) => (
                  <tr key={key.key_id}>
                    <th scope="row">
                      {key.name || words.unnamed}
                      <br />
                      <code className="quiet">{key.prefix}…</code>
                    </th>
                    <td>{names.get(key.account_id) ?? key.account_id}</td>
                    <td>{key.scopes.map((scope) => (scope === "*" ? words.everything : scope)).join(", ")}</td>
                    <td>
                      <LimitsText limits={key.limits} />
                    </td>
                    <td>
                      <KeyState at={key} />
                    </td>
                    <td>
                      <Time at={key.created_time} />
                    </td>
                    {may ? (
                      <td>{key.revoked_time === null ? <KeyActions of={key} onTask={setTask} /> : null}</td>
                    ) : null}
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Paged>
      </Card>
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

function KeyActions({ of: key, onTask }: { of: Key; onTask: (task: KeyTask) => void }) {
  const { keys: words } = useWords();
  const tasks = [
    ["change", words.change],
    ["rotate", words.rotate],
    ["revoke", words.revoke],
  ] as const;
  return (
    <div className="row-actions">
      {tasks.map(([kind, text]) => (
        <button
          key={kind}
          type="button"
          className={kind === "revoke" ? "button small danger" : "button small"}
          aria-label={`${text}: ${key.name || key.prefix}`}
          onClick={() => onTask({ kind, key })}
        >
          {text}
        </button>
      ))}
    </div>
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
