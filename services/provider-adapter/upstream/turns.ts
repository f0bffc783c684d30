/** Something that goes on when it is its turn. */
export interface Waiting {
  goOn(): void;
}

/** A queue for the turns of the event loop. */
export interface Turns<W extends Waiting> {
  /** Lets it go on in a later turn, behind those that wait already. */
  add(waiting: W): void;
}

/**
 * Creates one that lets `atOnce` go on in each turn. However many sockets have much to say, what is read of them in a turn
 * is bounded, and whoever has little to say is heard in time.
 */
export function createTurns<W extends Waiting>(atOnce: number): Turns<W> {
  const queue: W[] = [];
  let scheduled = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(run);
  }

  function run(): void {
    scheduled = false;
    const next = queue.splice(0, atOnce);
    if (queue.length > 0) schedule();
    for (const each of next) each.goOn();
  }

  return {
    add(waiting) {
      queue.push(waiting);
      schedule();
    },
  };
}
