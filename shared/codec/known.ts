import type { Message } from "@bufbuild/protobuf";
import { deepFreeze, isDeeplyFrozen } from "../deep-freeze.ts";
import { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** So many messages of a kind are remembered, each in the place that its bytes lead to. */
const places = 512;
/** Longer ones are read each time: what is remembered takes at most a megabyte of a kind. */
const mostBytes = 2_048;

interface Place<M> {
  /** What leads here now; of bytes that came once, this is all that is kept. */
  hash: number;
  bytes: Buffer | undefined;
  message: M | undefined;
}

/**
 * Messages that are the same in many others, such as prices: each request has them in its route, reservation, settlement and
 * record, and a configuration has few. What came twice is kept, frozen with all that it holds, and given for the same bytes from
 * then on: nobody reads it again, and who remembers what was made of it (`memoFrozen`) knows it again. What is frozen is
 * written once.
 */
export class KnownMessages<M extends Message> {
  readonly #read: (reader: Reader, end: number) => M;
  readonly #write: (writer: Writer, message: M) => void;
  readonly #places: Place<M>[] = Array.from({ length: places }, () => ({
    hash: 0,
    bytes: undefined,
    message: undefined,
  }));
  readonly #written = new WeakMap<M, Buffer>();

  constructor(read: (reader: Reader, end: number) => M, write: (writer: Writer, message: M) => void) {
    this.#read = read;
    this.#write = write;
  }

  /** Reads the message whose length follows. */
  read(reader: Reader): M {
    const end = reader.end();
    const start = reader.pos;
    if (end - start > mostBytes) return this.#read(reader, end);
    const hash = reader.hashTo(end);
    const place = this.#places[hash & (places - 1)] as Place<M>;
    const { bytes, message } = place;
    if (place.hash === hash && bytes !== undefined && message !== undefined) {
      if (!reader.standsAt(start, end, bytes)) return this.#read(reader, end);
      reader.pos = end;
      return message;
    }
    const fresh = this.#read(reader, end);
    // A message that is read beyond its end depends on what follows it.
    if (reader.pos !== end) return fresh;
    const isKnown = place.hash === hash;
    place.hash = hash;
    // The bytes are copied, for a slice would keep the whole batch that it came in.
    place.bytes = isKnown ? reader.copyOf(start, end) : undefined;
    place.message = place.bytes && deepFreeze(this.#read(new Reader(place.bytes), place.bytes.length));
    return place.message ?? fresh;
  }

  /** Writes the message, without its length. */
  write(writer: Writer, message: M): void {
    if (!Object.isFrozen(message)) {
      this.#write(writer, message);
      return;
    }
    const known = this.#written.get(message);
    if (known !== undefined) {
      writer.raw(known);
      return;
    }
    const { size } = writer;
    this.#write(writer, message);
    if (isDeeplyFrozen(message)) this.#written.set(message, writer.since(size));
  }
}
