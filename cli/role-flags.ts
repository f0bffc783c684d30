import type { Env } from "../shared/config.ts";
import type { Role } from "./role-env.ts";

/** A setting of V8 in megabytes: each half of the young generation, where objects are made. Not given: as V8 sees fit, up to 64. */
const youngFlag = "--max-semi-space-size";
/** A setting of V8 in megabytes: up to this size of the old generation, with the buffers that are in use, it begins no full collection. */
const oldFlag = "--initial-old-space-size";

/**
 * Services that make few objects and many buffers. V8 collects the young generation when it is full, and looks at all of the
 * memory when buffers have taken 8 MB more: where a young generation of 32 MB fills slowly, that comes first, and history spent 38
 * of 93 us a request on it. A smaller one is collected before, and takes 50 MB less of a process.
 */
const youngMb: Partial<Record<Role, number>> = { routing: 8, history: 8, billing: 8, jobs: 8 };

/**
 * History's batches are the largest, so that a smaller young generation alone does not do: after a first full collection V8 allows
 * a heap that grows slowly 8 MB more, buffers included, and these come before the young generation is full.
 */
const oldMb: Partial<Record<Role, number>> = { history: 128 };

/** Options of Node for a process of a mesh. What the user says in NODE_OPTIONS holds. */
export function roleFlags(role: Role, { NODE_OPTIONS = "" }: Env): readonly string[] {
  const young = NODE_OPTIONS.includes("semi-space-size") ? undefined : youngMb[role];
  const old = NODE_OPTIONS.includes("old-space-size") ? undefined : oldMb[role];
  return [
    ...(young === undefined ? [] : [`${youngFlag}=${young}`]),
    ...(old === undefined ? [] : [`${oldFlag}=${old}`]),
  ];
}
