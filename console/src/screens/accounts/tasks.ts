import type { RouterOutputs } from "@throughline/client";

/** An account of the list. */
export type Account = RouterOutputs["accounts"]["list"]["accounts"][number];

/** What is done with which account. */
export type AccountTask = { readonly kind: "make" } | { readonly kind: "credit" | "change"; readonly account: Account };
