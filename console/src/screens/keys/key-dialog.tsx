import { useMutation } from "@tanstack/react-query";
import type { RouterInputs } from "@throughline/client";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { useAccountNames } from "../../ui/accounts.tsx";
import { CopyButton } from "../../ui/copy.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Choice, Field, Form, type Given } from "../../ui/form.tsx";
import { LimitFields, limitsOf } from "./limit-fields.tsx";
import { Rotate } from "./rotate.tsx";
import type { Key, KeyTask, Shown } from "./tasks.ts";

type Made = RouterInputs["keys"]["create"];

const dayMs = 86_400_000;
const kinds = ["api", "server", "user", "cli"] as const;

/** A task with a key: its questions, then its secret where there is a new one. */
export function KeyDialog({ task, onClose, onDone }: { task: KeyTask; onClose: () => void; onDone: () => void }) {
  const { keys: words } = useWords();
  const [secret, setSecret] = useState<string>();
  const shown = { onDone, onClose, onSecret: setSecret };
  if (secret !== undefined) {
    return (
      <Dialog title={words.secretTitle} onClose={onClose}>
        <p className="note">{words.secretText}</p>
        <pre className="code">{secret}</pre>
        <CopyButton text={secret} what={words.secretTitle}>
          {words.copySecret}
        </CopyButton>
      </Dialog>
    );
  }
  if (task.kind === "make") return <Make {...shown} />;
  if (task.kind === "change") return <Change of={task.key} {...shown} />;
  return task.kind === "rotate" ? <Rotate of={task.key} {...shown} /> : <Revoke of={task.key} {...shown} />;
}

function Make({ onDone, onClose, onSecret }: Shown) {
  const { trpc, me } = useSignedIn();
  const { keys: words, me: mine, manage } = useWords();
  const names = useAccountNames();
  const make = useMutation(
    trpc.keys.create.mutationOptions({
      onSuccess: ({ secret }) => {
        onDone();
        onSecret(secret);
      },
    }),
  );
  const submit = (given: Given) => {
    const kind = kinds.find((name) => name === given("kind")) ?? "api";
    const days = Number(given("days") ?? "");
    const asked: Made = {
      account_id: given("account") ?? me.account.account_id,
      name: given("name") ?? "",
      kind,
      scopes: listOf(given("scopes")) ?? ["*"],
      allowed_models: listOf(given("models")) ?? [],
      limits: limitsOf(given),
      ...(kind === "user" ? { user_id: given("user") ?? "" } : {}),
      ...(days > 0 ? { expires_time: new Date(Date.now() + days * dayMs).toISOString() } : {}),
    };
    make.mutate(asked);
  };
  return (
    <Dialog title={words.make} onClose={onClose}>
      <Form go={words.make} busy={make.isPending} error={make.error} onSubmit={submit}>
        <Field label={words.name} name="name" maxLength={200} required />
        {names.size > 1 ? (
          <Choice label={manage.account} name="account" defaultValue={me.account.account_id} options={[...names]} />
        ) : null}
        <div className="form-columns">
          <Choice
            label={mine.kind}
            name="kind"
            defaultValue="api"
            options={kinds.map((kind) => [kind, mine.kinds[kind]])}
          />
          <Field label={words.user} hint={words.userHint} name="user" maxLength={200} />
          <Field label={words.may} hint={words.scopesHint} name="scopes" placeholder="*" />
          <Field label={words.models} hint={words.modelsHint} name="models" />
          <Field label={words.days} name="days" type="number" min={1} max={36500} />
        </div>
        <LimitFields />
      </Form>
    </Dialog>
  );
}

function Change({ of: key, onDone, onClose }: Shown & { of: Key }) {
  const { trpc } = useSignedIn();
  const { keys: words } = useWords();
  const change = useMutation(
    trpc.keys.update.mutationOptions({
      onSuccess: () => {
        onDone();
        onClose();
      },
    }),
  );
  const submit = (given: Given) =>
    change.mutate({
      key_id: key.key_id,
      ...(given("name") === undefined ? {} : { name: given("name") }),
      scopes: listOf(given("scopes")) ?? ["*"],
      allowed_models: listOf(given("models")) ?? [],
      limits: limitsOf(given),
    });
  return (
    <Dialog title={words.changeOf(key.name || key.prefix)} onClose={onClose}>
      <Form go={words.change} busy={change.isPending} error={change.error} onSubmit={submit}>
        <Field label={words.name} name="name" defaultValue={key.name} maxLength={200} />
        <div className="form-columns">
          <Field label={words.may} hint={words.scopesHint} name="scopes" defaultValue={key.scopes.join(", ")} />
          <Field
            label={words.models}
            hint={words.modelsHint}
            name="models"
            defaultValue={key.allowed_models.join(", ")}
          />
        </div>
        <LimitFields of={key.limits} />
      </Form>
    </Dialog>
  );
}

function Revoke({ of: key, onDone, onClose }: Shown & { of: Key }) {
  const { trpc } = useSignedIn();
  const { keys: words } = useWords();
  const onSuccess = () => {
    onDone();
    onClose();
  };
  const revoke = useMutation(trpc.keys.revoke.mutationOptions({ onSuccess }));
  return (
    <Dialog title={words.revokeOf(key.name || key.prefix)} onClose={onClose}>
      <Form
        go={words.revoke}
        danger
        busy={revoke.isPending}
        error={revoke.error}
        onSubmit={() => revoke.mutate({ key_id: key.key_id })}
      >
        <p>{words.revokeText}</p>
      </Form>
    </Dialog>
  );
}

/** Names between commas; undefined: none were given. */
function listOf(text: string | undefined): string[] | undefined {
  const names = text?.split(",").flatMap((part) => part.trim() || []);
  return names === undefined || names.length === 0 ? undefined : names;
}
