import { constants, fstatSync, openSync, write, writeSync } from "node:fs";

/** Where lines go: whole lines ending in a newline. */
export interface LogDestination {
  write(line: string): unknown;
}

/** A destination with a buffer. */
export interface LogOutput extends LogDestination {
  /** Writes what waits; calls back when it is written, could not be written, or took too long. */
  flush(done?: () => void): void;
  /** Writes what waits before it returns; gives up when the reader takes nothing for a while or is gone. */
  flushSync(): void;
}

/** The system calls that an output makes; tests bring their own. */
export interface OutputCalls {
  /** Writes on another thread. */
  write(bytes: Uint8Array, done: (error: NodeJS.ErrnoException | null, written: number) => void): void;
  /** Writes at once; throws EAGAIN where the reader has no room and the descriptor does not block. */
  writeSync(bytes: Uint8Array): number;
  /** Holds the thread for some milliseconds. */
  pause(ms: number): void;
}

/** Bytes of unwritten lines after which new ones are dropped: a stalled reader must not fill the memory. */
const maxBacklogBytes = 16 * 1024 * 1024;
/** Lines go out together: a write a line cost 4 % of all CPU at full load. */
const flushAtBytes = 4 * 1024;
const flushEveryMs = 100;
/** Longest time that the end of a process waits for a reader that takes nothing. */
const patienceMs = 1_000;
const pauseMs = 10;

/** The reader is gone and does not come back: EIO is what a terminal that was closed answers. */
const goneForEver: ReadonlySet<string> = new Set(["EPIPE", "ECONNRESET", "EIO", "EBADF", "ENXIO", "ENODEV"]);
/** The reader has no room at this moment. */
const fullNow: ReadonlySet<string> = new Set(["EAGAIN", "EWOULDBLOCK", "EBUSY", "EINTR"]);

/**
 * Standard output as a log destination: asynchronous, in order, flushed when the process exits (also by process.exit and
 * after an uncaught exception). Create one a process. Nothing that happens to the reader reaches the service: lines for
 * one that is gone are dropped, a full disk is tried again, and no end of a process waits for longer than a second.
 * pino's own destination throws whatever is not EPIPE, and on exit it tries each error again for ever.
 */
export function createLogOutput(fd = 1): LogOutput {
  const { descriptor, blocks } = openForWriting(fd);
  const output = createOutput(blocks, callsOf(descriptor));
  process.on("exit", () => output.flushSync());
  return output;
}

/** The output itself, over any system calls. `blocks`: a write may take its time, so it is left to another thread. */
export function createOutput(blocks: boolean, calls: OutputCalls): LogOutput {
  let lines = "";
  let linesBytes = 0;
  let rest: Uint8Array = Buffer.alloc(0);
  /** Another thread writes `rest`. */
  let writing = false;
  let gone = false;
  let waiting: (() => void)[] = [];
  let willStart = false;

  /** Lines wait for others, and for a reader without room. A process that says nothing is not woken. */
  function startLater(): void {
    if (willStart) return;
    willStart = true;
    setTimeout(startNow, flushEveryMs).unref();
  }

  function startNow(): void {
    willStart = false;
    start();
    if (lines !== "" || rest.length > 0) startLater();
  }

  function start(): void {
    if (writing) return;
    if (!take()) {
      settle();
      return;
    }
    if (!blocks) {
      const error = writeNow();
      if (!fullNow.has(error?.code ?? "")) settle();
      return;
    }
    writing = true;
    calls.write(rest, (error, written) => {
      writing = false;
      if (error === null) {
        rest = rest.subarray(written);
        start();
        return;
      }
      note(error);
      if (!fullNow.has(error.code ?? "")) settle();
    });
  }

  /** Whether there is something to write, which then is in `rest`. */
  function take(): boolean {
    if (rest.length === 0 && lines !== "") {
      rest = Buffer.from(lines);
      lines = "";
      linesBytes = 0;
    }
    return rest.length > 0;
  }

  /** Writes until nothing is left or the system refuses; gives what it said then. The timer tries again. */
  function writeNow(): NodeJS.ErrnoException | undefined {
    try {
      while (take()) rest = rest.subarray(calls.writeSync(rest));
      return undefined;
    } catch (error) {
      note(error as NodeJS.ErrnoException);
      return error as NodeJS.ErrnoException;
    }
  }

  function note({ code = "" }: NodeJS.ErrnoException): void {
    if (!goneForEver.has(code)) return;
    gone = true;
    lines = "";
    linesBytes = 0;
    rest = Buffer.alloc(0);
  }

  function settle(): void {
    const done = waiting;
    waiting = [];
    for (const call of done) call();
  }

  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (gone || linesBytes + rest.length + bytes > maxBacklogBytes) return;
      lines += line;
      linesBytes += bytes;
      if (linesBytes >= flushAtBytes) start();
      startLater();
    },
    flush(done) {
      if (done !== undefined) {
        const settled = (): void => {
          clearTimeout(timer);
          waiting = waiting.filter((other) => other !== settled);
          done();
        };
        // A reader that takes nothing must not hold up the end of a process.
        const timer = setTimeout(settled, patienceMs);
        waiting.push(settled);
      }
      start();
    },
    flushSync() {
      // The other thread writes the line that it has begun before the process is gone.
      if (writing) rest = Buffer.alloc(0);
      for (let spentMs = 0; spentMs <= patienceMs; spentMs += pauseMs) {
        const error = writeNow();
        if (!fullNow.has(error?.code ?? "")) return;
        calls.pause(pauseMs);
      }
    },
  };
}

function callsOf(fd: number): OutputCalls {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  return {
    write: (bytes, done) => write(fd, bytes, 0, bytes.length, null, done),
    writeSync: (bytes) => writeSync(fd, bytes, 0, bytes.length, null),
    pause: (ms) => void Atomics.wait(sleeper, 0, 0, ms),
  };
}

/**
 * The descriptor, with writes that do not block where the system can: a write to a full pipe would hold a thread of
 * Node's pool, and the exit of the process with it, for as long as nobody reads. A pipe or a terminal is opened anew,
 * since the mode of the first one is shared with all processes that have it; of a socket Node's own stream changes the mode.
 */
function openForWriting(fd: number): { descriptor: number; blocks: boolean } {
  try {
    const kind = fstatSync(fd);
    const pipe = kind.isFIFO() || kind.isSocket();
    if (process.platform === "linux" && (kind.isFIFO() || kind.isCharacterDevice())) {
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
      return { descriptor: openSync(`/proc/self/fd/${fd}`, flags), blocks: false };
    }
    if (pipe && fd <= 2)
      return { descriptor: fd, blocks: standardStream(fd === 2 ? "stderr" : "stdout") === undefined };
  } catch {
    // Another user's pipe, or a terminal that is lost.
  }
  return { descriptor: fd, blocks: true };
}

/**
 * Node's stream of standard output or error, which emits what happens to its reader: unheard, that ends the process.
 * Undefined: a terminal that is lost cannot be opened.
 */
function standardStream(name: "stdout" | "stderr"): NodeJS.WriteStream | undefined {
  try {
    const stream = process[name];
    if (stream.listenerCount("error") === 0) stream.on("error", () => undefined);
    return stream;
  } catch {
    return undefined;
  }
}

/** Writes text to standard output or error, and says nothing where its reader is gone. */
export function tell(text: string, name: "stdout" | "stderr" = "stdout"): void {
  try {
    standardStream(name)?.write(text);
  } catch {
    // As above.
  }
}
