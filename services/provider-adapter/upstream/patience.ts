import type { UpstreamRequest } from "./request.ts";
import type { Watch, Watched } from "./watch.ts";

/** The bounds of all calls of a client, in ticks of its watch; 0: none. */
export interface Bounds {
  readonly headersTicks: number;
  readonly chunkTicks: number;
  readonly bodyTicks: number;
  /** Time to the end of a body of which nothing more is wanted. */
  readonly drainTicks: number;
}

/** Who is told that a call's patience is over. */
export type Impatient = Pick<Watched, "onSilence">;

/**
 * How long a call waits: for the head, then between two pieces of the body, and for all of a body that is no stream. No time
 * runs while the call itself does not read.
 */
export class Patience implements Watched {
  heardAtTick = 0;
  place: Watched["place"] = undefined;
  allowedTicks: number;
  /** The end of the body alone is waited for. */
  draining = false;
  readonly #watch: Watch;
  readonly #of: Impatient;
  readonly #chunkTicks: number;
  readonly #drainTicks: number;
  /** Ticks that are left to the end of a whole body; 0: no bound. */
  #bodyTicks: number;
  /** Tick from which on `#bodyTicks` runs. */
  #bodySinceTick = 0;
  /** The reader has held the call back since it was last listened to. */
  #stood = false;

  constructor(watch: Watch, bounds: Bounds, request: UpstreamRequest, of: Impatient) {
    const { headersTimeoutMs, chunkTimeoutMs, bodyTimeoutMs } = request;
    this.#watch = watch;
    this.#of = of;
    this.allowedTicks = headersTimeoutMs === undefined ? bounds.headersTicks : watch.ticks(headersTimeoutMs);
    this.#chunkTicks = chunkTimeoutMs === undefined ? bounds.chunkTicks : watch.ticks(chunkTimeoutMs);
    this.#bodyTicks = bodyTimeoutMs === undefined ? bounds.bodyTicks : watch.ticks(bodyTimeoutMs);
    this.#drainTicks = bounds.drainTicks;
  }

  /** The watch calls this when its time is over. */
  onSilence(): void {
    this.#of.onSilence();
  }

  begin(): void {
    this.#watch.add(this);
  }

  /** The tick of its watch. */
  now(): number {
    return this.#watch.now();
  }

  end(): void {
    this.#watch.delete(this);
  }

  /** Something went on: the silence begins anew. */
  touch(): void {
    this.#watch.touch(this);
  }

  headCame(): void {
    this.#bodySinceTick = this.#watch.now();
  }

  /** The body is a stream, which may take as long as it likes. */
  isStream(): void {
    this.#bodyTicks = 0;
  }

  /** The reader holds the call back. */
  stand(): void {
    this.#stood = true;
  }

  /** A piece came: the silence begins anew, the time of the whole body does not. False: that time is over. */
  heard(): boolean {
    this.touch();
    if (this.#bodyTicks === 0 || this.allowedTicks === 0) return true;
    if (this.isBodyLate) return false;
    this.allowedTicks = this.#withinBody();
    return true;
  }

  get isBodyLate(): boolean {
    return this.#bodyTicks > 0 && this.#watch.now() - this.#bodySinceTick > this.#bodyTicks;
  }

  /** The call is read from now on. */
  listen(): void {
    if (this.draining) {
      this.allowedTicks = this.#drainTicks;
      return;
    }
    // If we were the reason for the silence, the time of the body begins anew here.
    if (this.allowedTicks === 0) this.headCame();
    this.allowedTicks = this.#withinBody();
    if (this.#stood) this.touch();
    this.#stood = false;
  }

  /** Nothing is read for a while, at our own wish: no time of the upstream's runs. */
  silenceIsOurs(): void {
    if (this.allowedTicks !== 0 && this.#bodyTicks > 0) {
      const now = this.#watch.now();
      this.#bodyTicks = Math.max(1, this.#bodyTicks - (now - this.#bodySinceTick));
      this.#bodySinceTick = now;
    }
    this.allowedTicks = 0;
  }

  /** Only the end of the body is waited for, and not for long. */
  drain(): void {
    this.listen();
    this.draining = true;
    this.allowedTicks = this.#drainTicks;
  }

  /** The silence that is allowed: not beyond the end of the time of the whole body. */
  #withinBody(): number {
    if (this.#bodyTicks === 0) return this.#chunkTicks;
    const left = Math.max(1, this.#bodySinceTick + this.#bodyTicks - this.#watch.now());
    return this.#chunkTicks === 0 ? left : Math.min(this.#chunkTicks, left);
  }
}
