import type { Scope } from "./owner.ts";

/** Everybody's records, or an account's. */
export type WholeScope = Extract<Scope, { readonly kind: "operator" | "account" }>;

/** Which records a list asks for, its labels of the kind `L`. Undefined: any. */
export interface Wanted<L> {
  readonly scope: WholeScope;
  readonly keyId?: bigint | undefined;
  readonly userId?: string | undefined;
  readonly shapeIds?: readonly number[] | undefined;
  readonly outcomeIds?: readonly number[] | undefined;
  readonly labels: readonly L[];
  /** True: failed ones alone, which have indexes of their own. */
  readonly failed: boolean;
}

/** The one thing that the records of an index have in common, beside their account; `failed`: that they failed. */
export type Only =
  | { readonly by: "key"; readonly keyId: bigint }
  | { readonly by: "user"; readonly userId: string }
  | { readonly by: "failed" }
  | { readonly by: "shape"; readonly shapeIds: readonly number[] }
  | { readonly by: "outcome"; readonly outcomeIds: readonly number[] };

/**
 * A way to what a list asks for. An index leads along it, and knows nothing beyond the scope, the label and what they have in common: all
 * else is looked at with each record, so that what is looked at can be counted.
 */
export interface Way<L> {
  readonly scope: Scope;
  /** To records with this in common, which come in the order of their index; undefined: in the order of the list. */
  readonly only?: Only;
  /** Along this label. */
  readonly along?: L;
  /** What is looked at with each record. */
  readonly filter: Omit<Wanted<L>, "scope" | "failed">;
}

/** At least one way. */
export type Ways<L> = readonly [Way<L>, ...Way<L>[]];

/**
 * The ways to what a list asks for, the first of which is along its order. Where that passes many others, few may match: then by each of
 * the things asked for that an index has: key, user, the failed ones of all accounts (an account's list goes along these anyway), and
 * where these are many, terms.
 *
 * Labels are ways of their own, of which each may be the one of few. Where all that a filter asks for is of many, the first
 * label is gone on with.
 */
export function waysOf<L>(wanted: Wanted<L>, byTerms: boolean): Ways<L> {
  const { scope, labels, failed, ...named } = wanted;
  const { keyId, userId, shapeIds, outcomeIds } = named;
  const rest = { ...named, labels };
  const inOrder = ordersOf(scope, rest);
  const along = labels.map(
    (label): Way<L> => ({ scope, along: label, filter: { ...rest, labels: labels.filter((l) => l !== label) } }),
  );
  const everybodys = scope.kind === "operator";
  const only = (part: Only, without: Partial<Record<keyof typeof named, undefined>>): Way<L> => ({
    ...{ scope, only: part, filter: { ...rest, ...without } },
  });
  const few = [
    ...(everybodys && keyId !== undefined ? [only({ by: "key", keyId }, { keyId: undefined })] : []),
    ...(everybodys && userId !== undefined ? [only({ by: "user", userId }, { userId: undefined })] : []),
    ...(everybodys && failed && keyId === undefined && userId === undefined && !byTerms
      ? [only({ by: "failed" }, {})]
      : []),
    ...(byTerms && outcomeIds ? [only({ by: "outcome", outcomeIds }, { outcomeIds: undefined })] : []),
    ...(byTerms && shapeIds ? [only({ by: "shape", shapeIds }, { shapeIds: undefined })] : []),
  ];
  const [first, ...others] = along;
  if (first === undefined) return [...inOrder, ...few];
  const narrow = !everybodys && (failed || keyId !== undefined || userId !== undefined);
  const beside = [...others, ...(narrow ? inOrder : []), ...few];
  return beside.length === 0 ? [first] : [first, ...beside, first];
}

/** The indexes that have an account's records, its users' or its keys' in the order of a list: those of few come first. */
function ordersOf<L>(scope: WholeScope, rest: Way<L>["filter"]): Ways<L> {
  if (scope.kind === "operator") return [{ scope, filter: rest }];
  const { accountId } = scope;
  const { keyId, userId, ...other } = rest;
  const [first, ...second]: Way<L>[] = [
    ...(userId === undefined
      ? []
      : [{ scope: { kind: "user" as const, accountId, userId, keyId: 0n }, filter: { ...other, keyId } }]),
    ...(keyId === undefined
      ? []
      : [{ scope: { kind: "key" as const, accountId, keyId }, filter: { ...other, userId } }]),
  ];
  return first === undefined ? [{ scope, filter: rest }] : [first, ...second];
}
