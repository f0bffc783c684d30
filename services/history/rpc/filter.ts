import { Module } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import type { Owner, RecordFilter } from "../../../shared/gen/throughline/history/v1/history_pb.ts";
import { labelKinds, type WantedLabel, wantedLabel } from "../db/labels.ts";
import type { ScanFilter } from "../db/scan.ts";
import type { Terms } from "../db/terms.ts";
import { idRangesOf, intersect } from "../domain/id-text.ts";
import type { Scope } from "../domain/owner.ts";
import { storedName, storedUserId } from "../domain/repair.ts";
import { type IdRange, idsBetween } from "../domain/times.ts";
import { scopeOf } from "./scope.ts";
import { checkStatuses } from "./statuses.ts";

/** A filter in terms of what can be walked. */
export interface Filter {
  readonly scope: Scope;
  /** Newest first; empty: nothing can match. */
  readonly ranges: readonly IdRange[];
  readonly statuses: readonly number[];
  readonly scan: ScanFilter;
  /** By what the shapes of `scan` were found; `model`: by model, module or both. */
  readonly named: { readonly model: boolean; readonly channel: boolean };
}

const failed = 5;
const nothing: readonly IdRange[] = [];

/** Reads a filter. Throws invalid_value for an owner or a state that there is not. */
export async function readFilter(
  terms: Terms,
  owner: Owner | undefined,
  filter: RecordFilter | undefined,
): Promise<Filter> {
  const whose = scopeOf(owner);
  if (filter === undefined)
    return {
      scope: whose,
      ranges: [idsBetween(0n, 0n)],
      statuses: [],
      scan: {},
      named: { model: false, channel: false },
    };
  const narrowed = narrow(whose, filter);
  const model = storedName(filter.model);
  const channel = storedName(filter.channel);
  const errorCode = storedName(filter.errorCode);
  const { module } = filter;
  const shape = {
    ...(model === "" ? {} : { model }),
    ...(channel === "" ? {} : { channel }),
    ...(module === Module.UNSPECIFIED ? {} : { module }),
  };
  const shapeIds = Object.keys(shape).length === 0 ? undefined : await terms.idsWith(shape);
  const outcomeIds = errorCode === "" ? undefined : await terms.idsWith({ error: errorCode });
  // A name that no record bears matches none.
  const known = shapeIds?.length !== 0 && outcomeIds?.length !== 0;
  // Only failed requests have an error: their half of the index is the short way to them.
  const given = checkStatuses(filter.statuses);
  const statuses = errorCode === "" ? given : given.length === 0 ? [failed] : given.filter((s) => s === failed);
  const possible = known && narrowed !== undefined && (errorCode === "" || statuses.length > 0);
  return {
    scope: narrowed?.scope ?? whose,
    ranges: possible ? rangesOf(filter) : nothing,
    statuses,
    scan: { shapeIds, outcomeIds, keyId: narrowed?.keyId, userId: narrowed?.userId, labels: labelsOf(filter) },
    named: { model: model !== "" || module !== Module.UNSPECIFIED, channel: channel !== "" },
  };
}

/** Those first that are rare as a rule: a list goes along the first of them first. */
function labelsOf({ alias, endUser, tag }: RecordFilter): WantedLabel[] {
  const wanted = [
    [labelKinds.alias, alias],
    [labelKinds.endUser, endUser],
    [labelKinds.tag, tag],
  ] as const;
  return wanted.flatMap(([kind, text]) => (text === "" ? [] : wantedLabel(kind, text)));
}

function rangesOf({ fromUnixMs, toUnixMs, idText }: RecordFilter): IdRange[] {
  const times = idsBetween(fromUnixMs, toUnixMs);
  if (times.from >= times.to) return [];
  return idText === "" ? [times] : idRangesOf(idText).flatMap((range) => intersect(range, times) ?? []);
}

/** Filters on user and key narrow the scope where they can, because indexes follow scopes. Undefined: nothing can match. */
function narrow(scope: Scope, filter: RecordFilter): { scope: Scope; keyId?: bigint; userId?: string } | undefined {
  const { keyId } = filter;
  const userId = storedUserId(filter.userId);
  if (scope.kind === "operator") {
    return { scope, ...(keyId === 0n ? {} : { keyId }), ...(userId === "" ? {} : { userId }) };
  }
  if (scope.kind === "key") {
    if (keyId !== 0n && keyId !== scope.keyId) return undefined;
    return { scope: userId === "" ? scope : { ...scope, kind: "user", userId } };
  }
  if (scope.kind === "user") {
    if (userId !== "" && userId !== scope.userId) return undefined;
    if (keyId !== 0n && scope.keyId !== 0n && keyId !== scope.keyId) return undefined;
    return { scope: keyId === 0n ? scope : { ...scope, keyId } };
  }
  if (userId !== "") return { scope: { kind: "user", accountId: scope.accountId, userId, keyId } };
  return { scope: keyId === 0n ? scope : { kind: "key", accountId: scope.accountId, keyId } };
}
