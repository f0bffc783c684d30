import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { RouterOutputs } from "@throughline/client";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { useAccountNames } from "../../ui/accounts.tsx";
import { Failure } from "../../ui/failure.tsx";
import { ManagedList, RowActions } from "../../ui/managed-list.tsx";
import { usePages } from "../../ui/pages.tsx";
import { Badge } from "../../ui/parts.tsx";
import type { ColumnOf } from "../../ui/table.tsx";
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
  const columns: readonly ColumnOf<Webhook>[] = [
    {
      head: words.url,
      isHead: true,
      cell: ({ url, description }) => (
        <>
          {url === null ? words.callbacks : <code>{url}</code>}
          {description === "" ? null : <div className="quiet">{description}</div>}
        </>
      ),
    },
    { head: manage.account, cell: ({ account_id }) => names.get(account_id) ?? account_id },
    { head: words.events, cell: ({ events }) => events.join(", ") },
    {
      head: keys.state,
      cell: ({ enabled }) => <Badge tone={enabled ? "good" : "calm"}>{enabled ? words.on : words.off}</Badge>,
    },
  ];
  const actions = (webhook: Webhook) =>
    webhook.url === null ? null : <WebhookActions of={webhook} url={webhook.url} onTask={setTask} />;
  const may = rights.changeAdministration;
  return (
    <div className="stack">
      <ManagedList
        words={words}
        pages={pages}
        columns={columns}
        keyOf={({ webhook_id }) => webhook_id}
        actions={may ? actions : undefined}
        onMake={() => setTask({ kind: "make" })}
      />
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

function WebhookActions({ of, url, onTask }: { of: Webhook; url: string; onTask: (task: Task) => void }) {
  const { trpc } = useSignedIn();
  const { webhooks: words, keys } = useWords();
  const queries = useQueryClient();
  const again = (queryKey: readonly string[]) => () => queries.invalidateQueries({ queryKey });
  const test = useMutation(trpc.webhooks.test.mutationOptions({ onSuccess: again(deliveriesKey) }));
  const update = useMutation(trpc.webhooks.update.mutationOptions({ onSuccess: again(listKey) }));
  const { webhook_id, enabled } = of;
  const switchText = enabled ? words.switchOff : words.switchOn;
  const error = test.error ?? update.error;
  return (
    <>
      <RowActions
        of={url}
        actions={[
          ["test", words.test, () => test.mutate({ webhook_id })],
          ["switch", switchText, () => update.mutate({ webhook_id, enabled: !enabled })],
          ["rotate", keys.rotate, () => onTask({ kind: "rotate", webhook: of })],
          ["remove", words.remove, () => onTask({ kind: "remove", webhook: of })],
        ]}
        danger="remove"
      />
      {error === null ? null : <Failure error={error} />}
    </>
  );
}
