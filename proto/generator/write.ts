import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile } from "@bufbuild/protoplugin";
import { byNumber, isImplicit, kindOf, tagOf } from "./fields.ts";
import type { KnownNames } from "./known.ts";

/** Prints what writes a message: its fields from the last to the first, for the writer goes backwards. */
export function printWrite(f: GeneratedFile, message: DescMessage, known: KnownNames): void {
  const writer = f.import("Writer", "../codec/writer.js", true);
  f.print("function write", message.name, "(w: ", writer, ", m: ", f.importShape(message), "): void {");
  f.print(`  w.expect(m.$typeName, "${message.typeName}");`);
  f.print("  if (m.$unknown !== undefined) w.unknown(m.$unknown);");
  for (const field of byNumber(message).toReversed()) for (const line of linesOf(field, known)) f.print(`  ${line}`);
  f.print("}");
  f.print();
}

function linesOf(field: DescField, known: KnownNames): readonly string[] {
  const at = `m.${field.localName}`;
  if (field.fieldKind === "map") {
    kindOf(field);
    return [`w.texts(${tagOf(field)}, ${at});`];
  }
  if (field.fieldKind === "list") {
    const type = kindOf(field)?.type ?? `(typeof ${at})[number]`;
    return [
      `for (let i = ${at}.length - 1; i >= 0; i -= 1) {`,
      ...valueLines(field, `${at}[i] as ${type}`, known),
      "}",
    ];
  }
  if (field.oneof !== undefined) {
    const oneof = `m.${field.oneof.localName}`;
    return [`if (${oneof}.case === "${field.localName}") {`, ...valueLines(field, `${oneof}.value`, known), "}"];
  }
  return [`if (${isSet(field, at)}) {`, ...valueLines(field, at, known), "}"];
}

function isSet(field: DescField, at: string): string {
  const kind = kindOf(field);
  if (kind === undefined || !isImplicit(field)) return `${at} !== undefined`;
  return kind.method === "bytes" ? `${at}.byteLength !== 0` : `${at} !== ${kind.zero}`;
}

function valueLines(field: DescField, value: string, known: KnownNames): readonly string[] {
  const kind = kindOf(field);
  if (kind !== undefined) return [`  w.${kind.method}(${value});`, `  w.tag(${tagOf(field)});`];
  const { name, typeName } = field.message ?? { name: "", typeName: "" };
  return [
    "  const { size } = w;",
    known.has(typeName) ? `  known${name}.write(w, ${value});` : `  write${name}(w, ${value});`,
    `  w.enclose(${tagOf(field)}, size);`,
  ];
}
