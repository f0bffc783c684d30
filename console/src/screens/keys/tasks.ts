import type { RouterOutputs } from "@throughline/client";

/** A key of the list. */
export type Key = RouterOutputs["keys"]["list"]["keys"][number];

/** What is done with which key. */
export type KeyTask = { readonly kind: "make" } | { readonly kind: "change" | "rotate" | "revoke"; readonly key: Key };
