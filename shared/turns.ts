import { ThroughlineError } from "./errors/error.ts";

/** Turns at something that few may do at a time, shared fairly among accounts. */
export interface Turns {
  /**
   * Runs `run` when its turn has come: the accounts that wait come one after the other, however many calls each has.
   * Rejects with concurrent_limit_exceeded where the account's own calls kept it waiting for too long or too many of them
   * wait, with service_unavailable where others' did.
   */
  take<T>(accountId: bigint, signal: AbortSignal, run: () => Promise<T>): Promise<T>;
  /** Calls that wait. */
  readonly waiting: number;
}

/** How turns are given. */
export interface TurnsOptions {
  /** Calls that run at a time, and those of one account. */
  readonly atOnce: number;
  readonly atOnceEach: number;
  /** Calls that may wait, and those of one account. */
  readonly waiting: number;
  readonly waitingEach: number;
  /** Longest wait. */
  readonly waitMs: number;
  /** What an account is told that asks for more than its share, and what others are told where all have too much to do. */
  readonly tooMany?: string;
  readonly tooBusy?: string;
}

interface Waiting {
  readonly start: () => void;
}

interface Account {
  readonly id: bigint;
  running: number;
  readonly waiting: Set<Waiting>;
}

const defaultTooMany = "The account asks for more of this at once than it has a share of; send fewer calls at a time.";
const defaultTooBusy = "There is more to do than can be done at the moment; try again.";

/** Makes the turns of one kind of calls. */
export function createTurns(options: TurnsOptions): Turns {
  const accounts = new Map<bigint, Account>();
  /** Those that wait and may run more, in the order of their turns. */
  const ready = new Set<Account>();
  let running = 0;
  let waiting = 0;

  const tooMany = () => new ThroughlineError("concurrent_limit_exceeded", options.tooMany ?? defaultTooMany);
  const tooBusy = () => new ThroughlineError("service_unavailable", options.tooBusy ?? defaultTooBusy);

  function accountOf(id: bigint): Account {
    const known = accounts.get(id) ?? { id, running: 0, waiting: new Set<Waiting>() };
    accounts.set(id, known);
    return known;
  }

  function startWhatMay(): void {
    for (const account of ready) {
      if (running >= options.atOnce) return;
      const [next] = account.waiting;
      ready.delete(account);
      if (next === undefined) continue;
      account.waiting.delete(next);
      begin(account);
      waiting--;
      line(account);
      next.start();
    }
  }

  function begin(account: Account): void {
    account.running++;
    running++;
  }

  /** Puts an account at the end of the line, if it has something to run and may run it. */
  function line(account: Account): void {
    if (account.waiting.size > 0 && account.running < options.atOnceEach) ready.add(account);
  }

  function end(account: Account): void {
    account.running--;
    running--;
    line(account);
    forget(account);
    startWhatMay();
  }

  function forget(account: Account): void {
    if (account.running === 0 && account.waiting.size === 0) accounts.delete(account.id);
  }

  function wait(account: Account, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const entry: Waiting = { start: resolve };
    const leave = (error: ThroughlineError): void => {
      if (!account.waiting.delete(entry)) return;
      waiting--;
      if (account.waiting.size === 0) ready.delete(account);
      forget(account);
      reject(error);
    };
    const gone = (): void => leave(new ThroughlineError("client_closed_request", "The call was given up."));
    const timer = setTimeout(
      () => leave(account.running >= options.atOnceEach ? tooMany() : tooBusy()),
      options.waitMs,
    );
    signal.addEventListener("abort", gone, { once: true });
    account.waiting.add(entry);
    waiting++;
    line(account);
    startWhatMay();
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", gone);
    });
  }

  return {
    async take(accountId, signal, run) {
      const account = accountOf(accountId);
      const free = ready.size === 0 && account.running < options.atOnceEach && running < options.atOnce;
      if (free) begin(account);
      else if (account.waiting.size >= options.waitingEach) throw tooMany();
      else if (waiting >= options.waiting) {
        forget(account);
        throw tooBusy();
      } else await wait(account, signal);
      try {
        return await run();
      } finally {
        end(account);
      }
    },
    get waiting() {
      return waiting;
    },
  };
}
