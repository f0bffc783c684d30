import type { ErrorCode } from "../../../shared/errors/catalogue.ts";
import type { ModuleName } from "../../../shared/modules.ts";

/**
 * Whether a call whose worker was lost is made once more. A vendor may have been paid for the first: texts and vectors are
 * cheap and quick, a picture or a minute of speech is not, so those end without an answer and are free.
 */
const isRepeated: Readonly<Record<ModuleName, boolean>> = {
  chat: true,
  embeddings: true,
  rerank: true,
  moderation: true,
  image: false,
  audio: false,
  video: false,
};

/** Most workers that one call is given to. */
const maxRuns = 2;

/** What a worker that takes a call knows of it. */
export interface TakenCall {
  /** Empty: one that this version does not know. */
  readonly module: ModuleName | "";
  /** How often a worker has taken it, this time among them. */
  readonly runs: number;
  readonly cancelRequested: boolean;
  /** Its deadline has passed. */
  readonly isOver: boolean;
}

/** Why a call ends without an answer. */
export interface Unanswered {
  readonly code: ErrorCode;
  readonly message: string;
}

const ends = {
  cancelled: { code: "cancelled", message: "The job was cancelled." },
  expired: { code: "expired", message: "The job did not end within its time." },
  lost: {
    code: "upstream_outcome_unknown",
    message: "Whoever made the call was lost, so it is not known what the upstream did.",
  },
} as const satisfies Record<string, Unanswered>;

/** Why a call that is taken ends at once; undefined: it is made. */
export function endBeforeCall({ module, runs, cancelRequested, isOver }: TakenCall): Unanswered | undefined {
  if (cancelRequested) return ends.cancelled;
  if (isOver) return ends.expired;
  if (runs === 1) return undefined;
  return mayRepeat(module) && runs <= maxRuns ? undefined : ends.lost;
}

/** Why a call was stopped in the middle. */
export type Stop = "cancelled" | "expired";

/** The end of a call that was stopped before its answer was whole. */
export function endOfStopped(stop: Stop): Unanswered {
  return ends[stop];
}

/** What becomes of a call whose provider was lost; undefined: it is made once more. */
export function endOfLost({ module, runs }: Pick<TakenCall, "module" | "runs">): Unanswered | undefined {
  return mayRepeat(module) && runs < maxRuns ? undefined : ends.lost;
}

function mayRepeat(module: ModuleName | ""): boolean {
  return module !== "" && isRepeated[module];
}
