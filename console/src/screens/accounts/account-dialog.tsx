import { useMutation } from "@tanstack/react-query";
import { useId } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Choice, Field, Form, type Given } from "../../ui/form.tsx";
import { LimitFields, limitsOf } from "../keys/limit-fields.tsx";
import type { Account, AccountTask } from "./tasks.ts";

interface Shown {
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** A task with an account. */
export function AccountDialog({ task, ...shown }: Shown & { task: AccountTask }) {
  if (task.kind === "make") return <Make {...shown} />;
  return task.kind === "credit" ? <Credit to={task.account} {...shown} /> : <Change of={task.account} {...shown} />;
}

function Make({ onDone, onClose }: Shown) {
  const { trpc } = useSignedIn();
  const { accounts: words, me } = useWords();
  const make = useMutation(trpc.accounts.create.mutationOptions({ onSuccess: onDone }));
  const submit = (given: Given) =>
    make.mutate({
      name: given("name") ?? "",
      ...(given("group") === undefined ? {} : { group: given("group") }),
      limits: limitsOf(given),
    });
  return (
    <Dialog title={words.make} onClose={onClose}>
      <Form go={words.make} busy={make.isPending} error={make.error} onSubmit={submit}>
        <div className="form-columns">
          <Field label={words.name} name="name" maxLength={200} required />
          <Field label={me.group} hint={words.groupHint} name="group" placeholder="default" maxLength={200} />
        </div>
        <LimitFields />
      </Form>
    </Dialog>
  );
}

function Change({ of: account, onDone, onClose }: Shown & { of: Account }) {
  const { trpc } = useSignedIn();
  const { accounts: words, me, keys } = useWords();
  const change = useMutation(trpc.accounts.update.mutationOptions({ onSuccess: onDone }));
  const submit = (given: Given) =>
    change.mutate({
      account_id: account.account_id,
      ...(given("name") === undefined ? {} : { name: given("name") }),
      ...(given("group") === undefined ? {} : { group: given("group") }),
      state: given("state") === "suspended" ? "suspended" : "active",
      credit_floor_usd: given("floor") ?? "0",
      limits: limitsOf(given),
    });
  return (
    <Dialog title={words.changeOf(account.name)} onClose={onClose}>
      <Form go={words.change} busy={change.isPending} error={change.error} onSubmit={submit}>
        <div className="form-columns">
          <Field label={words.name} name="name" defaultValue={account.name} maxLength={200} />
          <Field label={me.group} hint={words.groupHint} name="group" defaultValue={account.group} maxLength={200} />
          <Choice
            label={keys.state}
            name="state"
            defaultValue={account.state}
            options={[
              ["active", me.states.active],
              ["suspended", me.states.suspended],
            ]}
          />
          <Field
            label={`${me.floor} (USD)`}
            hint={words.floorHint}
            name="floor"
            pattern="0|-\d{1,9}(\.\d{1,9})?"
            defaultValue={account.credit_floor_usd}
          />
        </div>
        <LimitFields of={account.limits} />
      </Form>
    </Dialog>
  );
}

function Credit({ to: account, onDone, onClose }: Shown & { to: Account }) {
  const { trpc } = useSignedIn();
  const { accounts: words } = useWords();
  // The same reference is entered once: a second press of the button, or a lost answer, adds nothing.
  const once = useId();
  const add = useMutation(trpc.credits.add.mutationOptions({ onSuccess: onDone }));
  const adjust = useMutation(trpc.credits.adjust.mutationOptions({ onSuccess: onDone }));
  const submit = (given: Given) => {
    const entry = {
      account_id: account.account_id,
      amount_usd: given("amount") ?? "",
      reason: given("reason") ?? "",
      reference: given("reference") ?? `console-${account.account_id}-${once}-${openedUnixMs}`,
    };
    (given("kind") === "adjust" ? adjust : add).mutate(entry);
  };
  return (
    <Dialog title={words.creditOf(account.name)} onClose={onClose}>
      <Form
        go={words.credit}
        busy={add.isPending || adjust.isPending}
        error={add.error ?? adjust.error}
        onSubmit={submit}
      >
        <div className="form-columns">
          <Choice
            label={words.entry}
            name="kind"
            options={[
              ["add", words.topUp],
              ["adjust", words.adjust],
            ]}
          />
          <Field
            label={`${words.amount} (USD)`}
            name="amount"
            inputMode="decimal"
            pattern="-?\d{1,9}(\.\d{1,9})?"
            required
          />
          <Field label={words.reason} name="reason" maxLength={500} required />
          <Field label={words.reference} hint={words.referenceHint} name="reference" maxLength={200} />
        </div>
      </Form>
    </Dialog>
  );
}

/** When this page was opened: it keeps the references of two pages apart. */
const openedUnixMs = Date.now();
