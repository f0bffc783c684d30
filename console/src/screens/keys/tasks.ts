import type { RouterOutputs } from "@throughline/client";

/** A key of the list. */
export type Key = RouterOutputs["keys"]["list"]["keys"][number];

/** What is done with which key. */
export type KeyTask = { readonly kind: "make" } | { readonly kind: "change" | "rotate" | "revoke"; readonly key: Key };

/** What the dialogs of a task are given. */
export interface Shown {
  readonly onDone: () => void;
  readonly onClose: () => void;
  readonly onSecret: (secret: string) => void;
}
