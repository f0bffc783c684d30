/** What a request is labelled with, by the numbers of the database. */
export const labelKinds = { user: 1, tag: 2 } as const;
export type LabelKind = keyof typeof labelKinds;

/**
 * How many end users, and as many tags, of an account are told apart in an hour, a day and a month, by the numbers of the spans: those
 * that came first. All further ones of that time are summed together, so that nobody fills the database with names.
 */
export const mostLabels: Readonly<Record<number, number>> = { 1: 1_000, 2: 5_000, 3: 10_000 };

/**
 * The `id` of a sum of labels: of requests without one, and of all labels beyond those that are told apart. That of a label's own sum has
 * `=` before the label, so it is none of these.
 */
export const noLabel = "";
export const otherLabels = "*";
