import { type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { GeneratedFile } from "@bufbuild/protoplugin";

/** Names of the messages that are the same in many others. */
export type KnownNames = ReadonlySet<string>;

/** Prints the memory of a message that is the same in many others. */
export function printKnown(f: GeneratedFile, message: DescMessage): void {
  const { name } = message;
  const bytes = message.fields.find((field) => field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES);
  if (bytes !== undefined) throw new Error(`${bytes} is of bytes, which cannot be frozen`);
  const known = f.import("KnownMessages", "../codec/known.js");
  f.print("const known", name, " = new ", known, "<", f.importShape(message), ">(");
  f.print(`  (r, end) => read${name}(r, end, new${name}()),`);
  f.print(`  write${name},`);
  f.print(");");
  f.print();
}
