import { createRoster } from "../../../shared/roster.ts";
import { type Breaker, createBreaker, type ProbeEnd } from "./breaker.ts";
import { createCredentialPool, type TakenCredential } from "./credentials.ts";
import { createLately, type Lately } from "./lately.ts";
import { createTally, type Tally } from "./tally.ts";
import type { Verdict } from "./verdict.ts";

/** What an attempt asks of the health of its channel. */
export interface EnterOptions {
  /** The channel's credentials, as configured now. */
  readonly credentials: readonly string[];
  /** Credentials that this request has tried. */
  readonly tried?: ReadonlySet<string>;
  /** No other candidate is left: go, however ill the channel is. */
  readonly force?: boolean;
}

/** Leave for one attempt. */
export interface Pass {
  readonly credential: string;
  /** The upstream has sent the head of its answer: it lives. */
  heard(): void;
  /** The first piece of content has come. */
  began(): void;
  /** The attempt is over. Must be called once. */
  end(end: AttemptEnd): void;
}

/** What an attempt came to. */
export interface AttemptEnd {
  readonly verdict: Verdict;
  /** From sending to the first byte of the answer; 0: none came. */
  readonly firstByteMs: number;
  /** Code of the failure; empty: it did not fail. */
  readonly code: string;
  /** HTTP status of the answer; 0: none came. */
  readonly status: number;
}

/** Why a channel should be left out, for the notes of a record. */
export type Refusal = "breaker open" | "cooling down" | "one probe is under way" | "no answer for a while";

/** What routing is told of a channel. */
export interface HealthFigures {
  /** Attempts since the last reading. */
  readonly attempts: number;
  /** How many of these failed by the upstream's fault. */
  readonly failures: number;
  /** Moving average, milliseconds; 0: unknown. */
  readonly firstByteMs: number;
  readonly open: boolean;
  /** Unix milliseconds; 0: it does not cool down. */
  readonly cooldownUntilMs: number;
  /** What the last attempts came to: it stays when figures are read. */
  readonly lately: Lately;
}

/** The health of one channel, as this process sees it. */
export interface ChannelHealth {
  /** Leave for an attempt, or why there is none. */
  enter(options: EnterOptions): Pass | Refusal;
  /** Reads the figures and begins to count anew. */
  read(): HealthFigures;
  /** True: nothing of it must be remembered. */
  readonly idle: boolean;
}

/** Options of `createChannelHealth`. */
export interface HealthOptions {
  /** Time to the first probe of an open breaker, milliseconds. */
  readonly probeAfterMs: number;
  /** Waiting for longer than this, several attempts together are a sign that the upstream hangs. */
  readonly silenceMs: number;
  readonly random: () => number;
  /** The breaker has opened or closed. */
  readonly onChange: (change: { readonly open: boolean; readonly why: Refusal; readonly restMs: number }) => void;
}

/** Longest time between two probes, and longest rest that an upstream may ask for. */
const maxRestMs = 60_000;
/** So many attempts without an answer are more than one slow question. */
const waitingTogether = 3;
/** A channel that usually takes long is silent only after so many times as long. */
const usualTimes = 8;
/** A probe whose answer has run for so long is good, though it is not over. */
const probeTrustMs = 1_000;
/** Weight of a new figure in the moving average. */
const newWeight = 0.2;

interface Waiting {
  readonly sinceMs: number;
}

/** Begins to watch a channel: healthy until something says otherwise. */
export function createChannelHealth(options: HealthOptions): ChannelHealth {
  const { probeAfterMs, silenceMs, random, onChange } = options;
  const breaker: Breaker = createBreaker({ firstRestMs: probeAfterMs, maxRestMs, random });
  const credentials = createCredentialPool();
  /** Attempts without an answer yet, the oldest first. */
  const waiting = createRoster<Waiting>();
  let tally: Tally = createTally();
  const lately = createLately();
  let why: Refusal = "breaker open";
  let attempts = 0;
  let failures = 0;
  let firstByteMs = 0;
  let lastSignMs = 0;
  let lastGoodMs = 0;
  let known: readonly string[] = [];
  /** Ends the probe under way as good, once it has run for long enough. */
  let trustProbe: (() => void) | undefined;

  const toleratedMs = () => Math.max(silenceMs, usualTimes * firstByteMs);

  /** Several wait, and nobody has heard anything since the oldest of them was sent. */
  function silent(): boolean {
    if (waiting.size < waitingTogether) return false;
    const { oldest } = waiting;
    return oldest !== undefined && performance.now() - Math.max(oldest.sinceMs, lastSignMs) > toleratedMs();
  }

  function trip(end: Exclude<ProbeEnd, "good">): void {
    if (breaker.state !== "closed") return;
    why = typeof end === "object" ? "cooling down" : "breaker open";
    breaker.trip(end);
    onChange({ open: true, why, restMs: typeof end === "object" ? end.restMs : probeAfterMs });
  }

  function close(): void {
    tally = createTally();
    onChange({ open: false, why, restMs: 0 });
  }

  function enter({ credentials: list, tried, force }: EnterOptions): Pass | Refusal {
    known = list;
    trustProbe?.();
    const { state } = breaker;
    let endProbe: ((end: ProbeEnd) => void) | undefined;
    if (force !== true) {
      if (state === "open") return why;
      if (state === "probing") return "one probe is under way";
      if (state === "closed" && silent()) return "no answer for a while";
    }
    const credential = credentials.take(list, { ...(tried === undefined ? {} : { tried }), force: force === true });
    if (credential === undefined) return "cooling down";
    if (state === "due") {
      endProbe = breaker.probe();
      if (endProbe === undefined && force !== true) {
        credential.neutral();
        return why;
      }
    }
    return pass(credential, endProbe, state === "closed");
  }

  function pass(
    credential: TakenCredential,
    endProbe: ((end: ProbeEnd) => void) | undefined,
    wasClosed: boolean,
  ): Pass {
    const me: Waiting = { sinceMs: performance.now() };
    const place = waiting.add(me);
    let beganMs = 0;
    let probing = endProbe !== undefined;
    /** False: made against the breaker's word; its failure is no news. */
    let counts = wasClosed;

    function finishProbe(end: ProbeEnd): void {
      if (!probing) return;
      probing = false;
      trustProbe = undefined;
      if (typeof end === "object") why = "cooling down";
      else if (end === "fault") why = "breaker open";
      endProbe?.(end);
      if (end !== "good") return;
      counts = true;
      close();
    }

    function wentWell(): void {
      lastGoodMs = performance.now();
      credential.good();
      if (probing) finishProbe("good");
      else if (counts) tally.good();
      else if (breaker.state !== "closed") {
        breaker.close();
        close();
      }
    }

    function wentWrong(slow: boolean): void {
      failures++;
      if (probing) {
        finishProbe("fault");
        return;
      }
      if (!counts || breaker.state !== "closed") return;
      const byTally = tally.fault();
      // Somebody waited in vain. Where nobody else was answered since, the next one would wait in vain too.
      const hangs = slow && lastGoodMs <= me.sinceMs;
      if (byTally || hangs) trip("fault");
    }

    function wasRefused(restMs: number): void {
      failures++;
      credential.rest(restMs);
      const restsForMs = credentials.restsForMs(known);
      // The upstream lives, but there is nothing to ask it with.
      if (restsForMs > 0) finishProbe({ restMs: restsForMs });
      else finishProbe("good");
    }

    function asksForRest(restMs: number): void {
      failures++;
      credential.neutral();
      if (probing) finishProbe({ restMs });
      else trip({ restMs });
    }

    /** The client left or was mistaken, or the fault is ours. */
    function saysNothing(): void {
      if (beganMs > 0) {
        wentWell();
        return;
      }
      credential.neutral();
      const waitedMs = performance.now() - me.sinceMs;
      // A client that gave up after a long wait, while nobody heard anything: clients are less patient than we are.
      if (place.member !== undefined && waitedMs > toleratedMs() && lastSignMs <= me.sinceMs) wentWrong(false);
      else finishProbe("unclear");
    }

    if (probing) {
      trustProbe = () => {
        if (beganMs > 0 && performance.now() - beganMs > probeTrustMs) finishProbe("good");
      };
    }

    return {
      credential: credential.value,
      heard() {
        lastSignMs = performance.now();
        waiting.remove(place);
      },
      began() {
        beganMs = performance.now();
        // Others need not wait for the end of a long answer.
        credential.good();
      },
      end({ verdict, firstByteMs: tookMs, code, status }) {
        attempts++;
        lately.note(verdict, code, status);
        if (verdict.kind === "good" && tookMs > 0) {
          firstByteMs = firstByteMs === 0 ? tookMs : firstByteMs + newWeight * (tookMs - firstByteMs);
        }
        switch (verdict.kind) {
          case "good":
            wentWell();
            break;
          case "fault":
            credential.neutral();
            wentWrong(verdict.slow);
            break;
          case "credential":
            wasRefused(verdict.restMs);
            break;
          case "rest":
            asksForRest(verdict.restMs);
            break;
          case "neutral":
            saysNothing();
            break;
        }
        waiting.remove(place);
      },
    };
  }

  const openNow = () => breaker.state === "open" || breaker.state === "probing";

  function cooldownUntilMs(): number {
    const restMs = Math.max(credentials.restsForMs(known), openNow() && why === "cooling down" ? breaker.restMs : 0);
    return restMs > 0 ? Date.now() + restMs : 0;
  }

  return {
    enter,
    read() {
      const figures: HealthFigures = {
        attempts,
        failures,
        firstByteMs,
        // Once a probe is due it is not open to others: routing must send somebody.
        open: openNow() && why === "breaker open",
        cooldownUntilMs: cooldownUntilMs(),
        lately: lately.read(),
      };
      attempts = 0;
      failures = 0;
      return figures;
    },
    get idle() {
      return breaker.state === "closed" && waiting.size === 0 && credentials.restsForMs(known) === 0;
    },
  };
}
