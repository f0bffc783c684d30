import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile } from "@bufbuild/protoplugin";
import { isImplicit, kindOf } from "./fields.ts";

/** Prints what counts that which can make a message large: bytes and texts, in itself and in messages that it holds singly. */
export function printWeigh(f: GeneratedFile, message: DescMessage): void {
  const parts = message.fields.flatMap((field) => partOf(field) ?? []);
  f.print("function weigh", message.name, "(m: ", f.importShape(message), "): number {");
  if (parts.length === 0) f.print("  void m;");
  f.print(`  return ${parts.length === 0 ? "0" : parts.join(" + ")};`);
  f.print("}");
  f.print();
}

function partOf(field: DescField): string | undefined {
  if (field.oneof !== undefined) return undefined;
  const at = `m.${field.localName}`;
  if (field.fieldKind === "message") return `(${at} === undefined ? 0 : weigh${field.message.name}(${at}))`;
  if (field.fieldKind !== "scalar" || !["bytes", "text"].includes(kindOf(field)?.method ?? "")) return undefined;
  return isImplicit(field) ? `${at}.length` : `(${at}?.length ?? 0)`;
}
