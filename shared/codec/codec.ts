import type { Message } from "@bufbuild/protobuf";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** What is generated for a message that travels on lanes (proto/generator). It makes, takes and gives what protobuf-es does. */
export interface Codec {
  /** As `create` of protobuf-es: the message that the fields make, or the given message itself. */
  create(init: object): Message;
  /** Writes the message in front of what was written. */
  write(writer: Writer, message: Message): void;
  /** Reads a message up to this place. */
  read(reader: Reader, end: number): Message;
  /** Counts what can make the message large: bytes and texts, in itself and in messages that it holds singly. */
  weigh(message: Message): number;
}
