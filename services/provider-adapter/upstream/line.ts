import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Client, type Dispatcher } from "undici";
import type { Connect } from "../../../shared/outbound/guard.ts";
import { type InterimHeads, skipInterimHeads } from "./interim-heads.ts";

/** One connection of a pool, as the call that has it sees it. */
export interface Line {
  /** Bytes of answers that came over it since it was opened. 0: it has carried none yet. */
  readonly bytesRead: number;
  /** True: the upstream asked for a certificate of ours, and there is none. */
  readonly certificateWanted: boolean;
  /** A request is about to be written: the head of an answer comes next. */
  expectHead(): void;
  /** The socket itself can be held. */
  readonly canHold: boolean;
  /** Reads the socket no further: what comes waits in the system. To be called when what it has read was taken. */
  hold(): void;
  /** Reads it on. */
  release(): void;
}

/** A call that wants to know the connection it is given. */
export interface LineHolder {
  /** Written before the request is queued at that connection. */
  line: Line | undefined;
}

class OpenLine implements Line {
  certificateWanted = false;
  canHold = false;
  #socket: Socket | undefined;
  #heads: InterimHeads | undefined;

  use(socket: Socket, canHold: boolean): void {
    this.#socket = socket;
    this.#heads = skipInterimHeads(socket);
    this.canHold = canHold;
    // Signature algorithms are told to a client by the wish for its certificate alone.
    this.certificateWanted = socket instanceof TLSSocket && socket.getSharedSigalgs().length > 0;
  }

  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  expectHead(): void {
    this.#heads?.expect();
  }

  hold(): void {
    this.#socket?.pause();
  }

  release(): void {
    this.#socket?.read(0);
  }
}

/** A client of a pool, which has one connection at a time and one call on it, and tells the call of it. */
class LineClient extends Client {
  readonly #line: Line;

  constructor(origin: string | URL, options: Client.Options, line: Line) {
    super(origin, options);
    this.#line = line;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (isHolder(handler)) handler.line = this.#line;
    return super.dispatch(options, handler);
  }
}

/** Creates a client of a pool whose connections are opened by `connect`. `holdable`: sockets that can be held. */
export function createLineClient(
  origin: string | URL,
  options: Client.Options,
  connect: Connect,
  holdable: Pick<WeakSet<Socket>, "has">,
): Client {
  const line = new OpenLine();
  const opened: Connect = (target, callback) =>
    connect(target, (...result) => {
      if (result[1] !== null) line.use(result[1], holdable.has(result[1]));
      callback(...result);
    });
  return new LineClient(origin, { ...options, connect: opened }, line);
}

function isHolder(handler: object): handler is LineHolder {
  return "line" in handler;
}
