import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { byNumber, kindOf } from "./fields.ts";
import type { KnownNames } from "./known.ts";

/** Prints what reads a message, or more of one that was begun: a message that comes twice is merged. */
export function printRead(f: GeneratedFile, message: DescMessage, known: KnownNames): void {
  const shape = f.importShape(message);
  const reader = f.import("Reader", "../codec/reader.js", true);
  f.print("function read", message.name, "(r: ", reader, ", end: number, m: ", shape, "): ", shape, " {");
  f.print("  while (r.pos < end) {");
  f.print("    const no = r.field();");
  f.print("    switch (no) {");
  for (const field of byNumber(message)) {
    f.print(`      case ${field.number}:`);
    f.print("        ", statementOf(f, field, known), ";");
    f.print("        break;");
  }
  f.print("      default:");
  f.print("        r.unknown(m, no);");
  f.print("    }");
  f.print("  }");
  f.print("  return m;");
  f.print("}");
  f.print();
}

function statementOf(f: GeneratedFile, field: DescField, known: KnownNames): Printable {
  const at = `m.${field.localName}`;
  if (field.message !== undefined && known.has(field.message.typeName))
    return knownStatementOf(field, field.message, at);
  if (field.fieldKind === "map") return `r.textEntry(${at})`;
  if (field.fieldKind === "list") return [`${at}.push(`, valueRead(f, field, undefined), ")"];
  if (field.oneof === undefined) return [`${at} = `, valueRead(f, field, `${at} ?? `)];
  const oneof = `m.${field.oneof.localName}`;
  const begun = `${oneof}.case === "${field.localName}" ? ${oneof}.value : `;
  return [`${oneof} = { case: "${field.localName}", value: `, valueRead(f, field, begun), " }"];
}

/** What is known is shared and frozen: more of it goes to a copy. */
function knownStatementOf(field: DescField, { name }: DescMessage, at: string): string {
  if (field.fieldKind === "list") return `${at}.push(known${name}.read(r))`;
  if (field.oneof !== undefined)
    throw new Error(`${field} is known and one of several: proto/generator has to learn it`);
  const more = `read${name}(r, r.end(), structuredClone(${at}))`;
  return `${at} = ${at} === undefined ? known${name}.read(r) : ${more}`;
}

/** `begun`: a message that the value is more of, where there is one. */
function valueRead(f: GeneratedFile, field: DescField, begun: string | undefined): Printable {
  const { message } = field;
  if (message !== undefined) return `read${message.name}(r, r.end(), ${begun ?? ""}new${message.name}())`;
  const read = `r.${kindOf(field)?.method}()`;
  return field.enum === undefined ? read : [read, " as ", f.importShape(field.enum)];
}
