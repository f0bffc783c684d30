import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSignedIn, useWords } from "../../app-context.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { Field, Form, type Given } from "../../ui/form.tsx";
import type { Key, Shown } from "./tasks.ts";

const hourMs = 3_600_000;

/** Asks before a key gets a new secret. The key of the session replaces itself, and the page goes on with the new secret. */
export function Rotate({ of: key, onDone, onClose, onSecret }: Shown & { of: Key }) {
  const { client, me, renew } = useSignedIn();
  const { keys: words } = useWords();
  const queries = useQueryClient();
  // A user who asks again because the answer was lost gets the same secret.
  const [idempotencyKey] = useState(randomText);
  const isOwn = key.key_id === me.key.key_id;
  const rotate = useMutation({
    mutationFn: (overlapMs: number) =>
      isOwn
        ? renew({ overlap_ms: overlapMs, idempotency_key: idempotencyKey })
        : client.keys.rotate.mutate({ key_id: key.key_id, overlap_ms: overlapMs }),
    onSuccess: ({ secret }) => {
      onDone();
      onSecret(secret);
      if (isOwn) void queries.invalidateQueries();
    },
  });
  const submit = (given: Given) => rotate.mutate(Math.round(Number(given("hours") ?? "0") * hourMs));
  return (
    <Dialog title={words.rotateOf(key.name || key.prefix)} onClose={onClose}>
      <Form go={words.rotate} busy={rotate.isPending} error={rotate.error} onSubmit={submit}>
        <p>{words.rotateText}</p>
        {isOwn ? <p>{words.rotateOwnText}</p> : null}
        <Field
          label={words.overlap}
          hint={words.overlapHint}
          name="hours"
          type="number"
          min={0}
          max={720}
          step="any"
          defaultValue={24}
          required
        />
      </Form>
    </Dialog>
  );
}

/** Not by `crypto.randomUUID`: browsers hide it from pages over plain HTTP. */
function randomText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
