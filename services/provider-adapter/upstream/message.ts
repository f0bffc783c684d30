import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { BodySource } from "../domain/exchange.ts";
import type { UpstreamRequest } from "./request.ts";

/** Who hears of the pieces of a body as they are sent. */
export interface PieceListener {
  /** True: the call has ended, and nothing more of its body is wanted. */
  readonly isOver: boolean;
  /** A piece is about to be sent. */
  onPiece(): void;
  /** It has been taken, and is not needed any more. */
  onSent(bytes: number): void;
}

/** A request as undici takes it. A body that is a source is opened, and read as the socket takes it. */
export function messageOf(request: UpstreamRequest, listener: PieceListener): Dispatcher.DispatchOptions {
  const { origin, path, method, headers, body } = request;
  if (body === undefined || body instanceof Uint8Array) return { origin, path, method, headers, body: body ?? null };
  const length = { "content-length": String(body.length) };
  return { origin, path, method, headers: { ...headers, ...length }, body: Readable.from(pieces(body, listener)) };
}

async function* pieces(source: BodySource, listener: PieceListener): AsyncGenerator<Uint8Array> {
  for await (const piece of source.open()) {
    if (listener.isOver) return;
    listener.onPiece();
    yield piece;
    listener.onSent(piece.length);
  }
}
