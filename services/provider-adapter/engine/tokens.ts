import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { Log } from "../../../shared/log.ts";
import type { AskForToken, GrantedToken } from "../adapters/adapter.ts";
import type { OpenChannel } from "../channels.ts";
import { faultError } from "../upstream/faults.ts";
import type { Upstream } from "../upstream/upstream.ts";
import { hideCredential } from "./hide-credential.ts";

/** The tokens that credentials were exchanged for, for all channels of the process. */
export interface Tokens {
  /**
   * What messages of the channel are signed with: the credential itself, or the token that it was exchanged for. Rejects with
   * a ThroughlineError where there is none to be had.
   */
  of(channel: OpenChannel, credential: string): string | Promise<string>;
}

interface Kept {
  readonly granted: GrantedToken | undefined;
  /** The one exchange that is under way. */
  readonly asking: Promise<GrantedToken> | undefined;
}

/** A token is renewed so long before its end, while it still serves. */
const renewBeforeMs = 300_000;
/** Where its end is nearer than this it serves no more: the request has to get there. */
const restMs = 10_000;
/** An exchange that failed is tried again after this; until then its failure is the answer. */
const failedMs = 5_000;
const timeoutMs = 15_000;
const maxBodyBytes = 64 * 1024;
/** Credentials leave the configuration: no more tokens are kept than this. */
const maxKept = 1_000;

/** Creates the keeper of tokens. They are kept by their credentials: channels that share one share its token. */
export function createTokens(deps: {
  readonly upstream: Pick<Upstream, "send">;
  readonly log: Pick<Log, "warn">;
  /** Unix milliseconds: by these a token ends. */
  readonly nowMs: () => number;
  /** Milliseconds that nothing but time moves: by these a failure is over. */
  readonly steadyMs: () => number;
}): Tokens {
  const { log, nowMs, steadyMs } = deps;
  const kept = new Map<string, Kept>();
  const failures = new Map<string, { readonly untilMs: number; readonly error: ThroughlineError }>();
  const ask = createAsk(deps.upstream);

  function keep(key: string, one: Kept): void {
    kept.delete(key);
    kept.set(key, one);
    const [oldest] = kept.keys();
    if (kept.size > maxKept && oldest !== undefined) kept.delete(oldest);
  }

  /** Exchanges it once, whoever asks meanwhile. Undefined: it is a token itself. */
  function exchange(channel: OpenChannel, credential: string, granted: GrantedToken | undefined) {
    const asked = channel.adapter.grant?.(credential, ask);
    if (asked === undefined) return undefined;
    const asking = asked.then(
      (next) => {
        failures.delete(credential);
        keep(credential, { granted: next, asking: undefined });
        return next;
      },
      (thrown: unknown) => {
        const error = failureOf(thrown);
        const reason = hideCredential(reasonOf(thrown), credential);
        log.warn({ channel: channel.name, reason }, "the channel's credential was not exchanged for a token");
        failures.set(credential, { untilMs: steadyMs() + failedMs, error });
        keep(credential, { granted, asking: undefined });
        throw error;
      },
    );
    keep(credential, { granted, asking });
    return asking;
  }

  return {
    of(channel, credential) {
      if (channel.adapter.grant === undefined || credential === "") return credential;
      const { granted, asking } = kept.get(credential) ?? {};
      const leftMs = (granted?.endsMs ?? 0) - nowMs();
      if (granted !== undefined && leftMs > renewBeforeMs) return granted.token;
      const failure = failures.get(credential);
      const rests = failure !== undefined && steadyMs() < failure.untilMs;
      if (granted !== undefined && leftMs > restMs) {
        // It still serves: nobody waits for the next one, and a failure shows when it does not serve any more.
        if (asking === undefined && !rests) exchange(channel, credential, granted)?.catch(() => undefined);
        return granted.token;
      }
      if (asking === undefined && rests) return Promise.reject(failure.error);
      const next = asking ?? exchange(channel, credential, undefined);
      return next === undefined ? credential : next.then(({ token }) => token);
    },
  };
}

/** What clients are told: as of any credential of the platform's that is refused, without what the vendor said. */
function failureOf(thrown: unknown): ThroughlineError {
  const code = thrown instanceof ThroughlineError && thrown.httpStatus >= 500 ? thrown.code : "upstream_error";
  const usable = code === "internal_error" ? "upstream_error" : code;
  return new ThroughlineError(usable, "The platform's credential could not be exchanged for a token of the upstream.");
}

/** The text for operators. Other errors are not shown, since they may hold a key. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof ThroughlineError ? thrown.message : "the exchange failed within";
}

/** Requests of exchanges go the way of all others: by the same proxies, within bounds. */
function createAsk(upstream: Pick<Upstream, "send">): AskForToken {
  return (url, headers, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>();
    const { origin, pathname, search } = new URL(url);
    const parts: Buffer[] = [];
    let status = 0;
    upstream.send(
      {
        origin,
        path: pathname + search,
        method: "POST",
        headers: { accept: "application/json", "user-agent": "throughline", ...headers },
        body,
        signal: AbortSignal.timeout(timeoutMs),
        maxBodyBytes,
      },
      {
        onHead(given) {
          status = given;
          return "whole";
        },
        onData(chunk) {
          parts.push(chunk);
          return true;
        },
        onEnd: () => resolve({ status, body: Buffer.concat(parts) }),
        onError: (fault) => reject(faultError(fault)),
      },
    );
    return promise;
  };
}
