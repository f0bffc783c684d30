import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { RouterOutputs } from "@throughline/client";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { useAccountNames } from "../../ui/accounts.tsx";
import { Failure } from "../../ui/failure.tsx";
import { Paged, usePages } from "../../ui/pages.tsx";
import { Badge, Card, PageHead } from "../../ui/parts.tsx";
import { Deliveries, deliveriesKey } from "./deliveries.tsx";
import { WebhookDialog } from "./webhook-dialog.tsx";

/** A webhook of the list. */
type Webhook = RouterOutputs["webhooks"]["list"]["webhooks"][number];

/** What is done with which webhook; undefined: a new one is made. */
interface Task {
  readonly kind: "make" | "rotate" | "remove";
  readonly webhook?: Webhook;
}

const pageLength = 100;
const listKey = ["webhooks"] as const;

/** Who is told of jobs and alerts, and what became of it. */
export function Webhooks() {
  const { client, rights } = useSignedIn();
  const { webhooks: words, keys, manage } = useWords();
  const names = useAccountNames();
  const queries = useQueryClient();
  const [task, setTask] = useState<Task>();
  const pages = usePages<Webhook>(listKey, async (after) => {
    const { webhooks, has_more } = await client.webhooks.list.query({
      ...(after && { after_webhook_id: after }),
      limit: pageLength,
    });
    return { rows: webhooks, next: has_more ? webhooks.at(-1)?.webhook_id : undefined };
  });
  const may = rights.changeAdministration;
  return (
    <div className="stack">
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
                  <th>{words.url}</th>
                  <th>{manage.account}</th>
                  <th>{words.events}</th>
                  <th>{keys.state}</th>
                  {may ? <th>{manage.actions}</th> : null}
                </tr>
              </thead>
              <tbody>
                {rows.map((webhook) => (
                  <tr key={webhook.webhook_id}>
                    <th scope="row">
                      {webhook.url === null ? words.callbacks : <code>{webhook.url}</code>}
                      {webhook.description === "" ? null : (
                        <>
                          <br />
                          <span className="quiet">{webhook.description}</span>
                        </>
                      )}
                    </th>
                    <td>{names.get(webhook.account_id) ?? webhook.account_id}</td>
                    <td>{webhook.events.join(", ")}</td>
                    <td>
                      <Badge tone={webhook.enabled ? "good" : "calm"}>{webhook.enabled ? words.on : words.off}</Badge>
                    </td>
                    {may ? (
                      <td>{webhook.url === null ? null : <WebhookActions of={webhook} onTask={setTask} />}</td>
                    ) : null}
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Paged>
      </Card>
      <Deliveries mayResend={may} />
      {task === undefined ? null : (
        <WebhookDialog
          task={task.kind}
          webhookId={task.webhook?.webhook_id ?? ""}
          url={task.webhook?.url ?? ""}
          onClose={() => setTask(undefined)}
          onDone={() => void queries.invalidateQueries({ queryKey: listKey })}
        />
      )}
    </div>
  );
}

function WebhookActions({ of: webhook, onTask }: { of: Webhook; onTask: (task: Task) => void }) {
  const { trpc } = useSignedIn();
  const { webhooks: words, keys } = useWords();
  const queries = useQueryClient();
  const again = (queryKey: readonly string[]) => () => queries.invalidateQueries({ queryKey });
  const test = useMutation(trpc.webhooks.test.mutationOptions({ onSuccess: again(deliveriesKey) }));
  const update = useMutation(trpc.webhooks.update.mutationOptions({ onSuccess: again(listKey) }));
  const { webhook_id, enabled, url } = webhook;
  const tasks = [
    ["test", words.test, () => test.mutate({ webhook_id })],
    ["switch", enabled ? words.switchOff : words.switchOn, () => update.mutate({ webhook_id, enabled: !enabled })],
    ["rotate", keys.rotate, () => onTask({ kind: "rotate", webhook })],
    ["remove", words.remove, () => onTask({ kind: "remove", webhook })],
  ] as const;
  const error = test.error ?? update.error;
  return (
    <>
      <div className="row-actions">
        {tasks.map(([name, text, run]) => (
          <button
            key={name}
            type="button"
            className={name === "remove" ? "button small danger" : "button small"}
            aria-label={`${text}: ${url}`}
            onClick={run}
          >
            {text}
          </button>
        ))}
      </div>
      {error === null ? null : <Failure error={error} />}
    </>
  );
}
