import { createRoster, type Place } from "../../../shared/roster.ts";

/** Something that must be heard of again within a time. */
export interface Watched {
  /** The watch's tick when it was last heard of. Written by `touch`. */
  heardAtTick: number;
  /** Ticks of silence allowed; 0: no bound for now. Made with `ticks`. */
  allowedTicks: number;
  /** Where it stands among what is watched. Written by `add`. */
  place?: Place<Watched> | undefined;
  /** Called once silence lasted longer than allowed; it is no longer watched then. */
  onSilence(): void;
}

/** One timer for all that is watched. */
export interface Watch {
  add(item: Watched): void;
  delete(item: Watched): void;
  /** Notes that the item was heard of: one write, no clock, no timer. */
  touch(item: Watched): void;
  /** Ticks so far. */
  now(): number;
  /** Ticks for a time; 0 stays 0. */
  ticks(timeMs: number): number;
  stop(): void;
}

/**
 * Watches for silence with one timer however many calls are open: a chunk costs the writing of one number, and every
 * tick costs a walk over what is open (10,000 streams: about 0.1 ms every quarter of a second). Silence is noticed
 * between `timeMs` and `timeMs` + 2 ticks. Time is counted in ticks that ran, so an event loop that stood still times
 * nobody out.
 */
export function createWatch(tickMs: number): Watch {
  const items = createRoster<Watched>();
  let tick = 0;
  let timer: NodeJS.Timeout | undefined;
  const forget = (item: Watched) => {
    if (item.place !== undefined) items.remove(item.place);
    item.place = undefined;
  };
  const run = () => {
    tick += 1;
    for (const item of items) {
      if (item.allowedTicks > 0 && tick - item.heardAtTick > item.allowedTicks) {
        forget(item);
        item.onSilence();
      }
    }
    if (items.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
  return {
    add(item) {
      item.heardAtTick = tick;
      item.place = items.add(item);
      timer ??= setInterval(run, tickMs);
    },
    delete: forget,
    touch(item) {
      item.heardAtTick = tick;
    },
    now: () => tick,
    ticks: (timeMs) => Math.ceil(timeMs / tickMs),
    stop() {
      clearInterval(timer);
      timer = undefined;
      for (const item of items) forget(item);
    },
  };
}
