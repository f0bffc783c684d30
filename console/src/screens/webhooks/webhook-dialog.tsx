import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { useAccountNames } from "../../ui/accounts.tsx";
import { CopyButton } from "../../ui/copy.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Choice, Field, Form, type Given } from "../../ui/form.tsx";

interface Shown {
  readonly task: "make" | "rotate" | "remove";
  readonly webhookId: string;
  readonly url: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** A task with a webhook: its questions, then its secret where there is a new one. */
export function WebhookDialog({ task, webhookId, url, onDone, onClose }: Shown) {
  const { trpc, me } = useSignedIn();
  const { webhooks: words, keys, manage } = useWords();
  const names = useAccountNames();
  const [secret, setSecret] = useState<string>();
  const withSecret = {
    onSuccess: (made: { readonly secret: string }) => {
      onDone();
      setSecret(made.secret);
    },
  };
  const make = useMutation(trpc.webhooks.create.mutationOptions(withSecret));
  const rotate = useMutation(trpc.webhooks.rotate.mutationOptions(withSecret));
  const remove = useMutation(
    trpc.webhooks.delete.mutationOptions({
      onSuccess: () => {
        onDone();
        onClose();
      },
    }),
  );
  if (secret !== undefined) {
    return (
      <Dialog title={words.secretTitle} onClose={onClose}>
        <p className="note">{words.secretText}</p>
        <pre className="code">{secret}</pre>
        <CopyButton text={secret} what={words.secretTitle}>
          {keys.copySecret}
        </CopyButton>
      </Dialog>
    );
  }
  if (task === "rotate") {
    const submit = () => rotate.mutate({ webhook_id: webhookId });
    return (
      <Dialog title={keys.rotateOf(url)} onClose={onClose}>
        <Form go={keys.rotate} busy={rotate.isPending} error={rotate.error} onSubmit={submit}>
          <p>{words.rotateText}</p>
        </Form>
      </Dialog>
    );
  }
  if (task === "remove") {
    const submit = () => remove.mutate({ webhook_id: webhookId });
    return (
      <Dialog title={words.removeOf(url)} onClose={onClose}>
        <Form go={words.remove} danger busy={remove.isPending} error={remove.error} onSubmit={submit}>
          <p>{words.removeText}</p>
        </Form>
      </Dialog>
    );
  }
  const submit = (given: Given) =>
    make.mutate({
      account_id: given("account") ?? me.account.account_id,
      url: given("url") ?? "",
      events: (given("events") ?? "*").split(",").flatMap((name) => name.trim() || []),
      description: given("description") ?? "",
    });
  return (
    <Dialog title={words.make} onClose={onClose}>
      <Form go={words.make} busy={make.isPending} error={make.error} onSubmit={submit}>
        <Field label={words.url} name="url" type="url" placeholder="https://" required />
        <div className="form-columns">
          {names.size > 1 ? (
            <Choice label={manage.account} name="account" defaultValue={me.account.account_id} options={[...names]} />
          ) : null}
          <Field label={words.events} hint={words.eventsHint} name="events" placeholder="*" />
          <Field label={words.description} name="description" maxLength={200} />
        </div>
      </Form>
    </Dialog>
  );
}
