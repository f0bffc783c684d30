import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import { isImplicit, kindOf } from "./fields.ts";

/**
 * Prints what makes an empty message, and one of given fields. Both name all fields at once, in one order: objects that get
 * their fields one after the other are moved by V8 several times, and are of more shapes.
 */
export function printCreate(f: GeneratedFile, message: DescMessage): void {
  const { name, typeName } = message;
  f.print("function new", name, "(): ", f.importShape(message), " {");
  f.print("  return {");
  f.print(`    $typeName: "${typeName}",`);
  for (const member of message.members) f.print(`    ${member.localName}: ${emptyOf(member)},`);
  f.print("  };");
  f.print("}");
  f.print();
  const shape = f.import("MessageInitShape", "@bufbuild/protobuf", true);
  f.print("/** As `create` of protobuf-es. */");
  f.print(
    f.export("function", `create${name}`),
    "(init: ",
    shape,
    "<typeof ",
    f.importSchema(message, true),
    ">): ",
    f.importShape(message),
    " {",
  );
  f.print(`  if (init.$typeName === "${typeName}") return init;`);
  f.print("  return {");
  f.print(`    $typeName: "${typeName}",`);
  for (const member of message.members) f.print("    ", member.localName, ": ", givenOf(member), ",");
  f.print("  };");
  f.print("}");
  f.print();
}

function emptyOf(member: DescField | DescOneof): string {
  if (member.kind === "oneof") return "{ case: undefined }";
  if (member.fieldKind === "list") return "[]";
  if (member.fieldKind === "map") return "{}";
  return isImplicit(member) ? (kindOf(member)?.zero ?? "undefined") : "undefined";
}

function givenOf(member: DescField | DescOneof): Printable {
  const given = `init.${member.localName}`;
  if (member.kind === "oneof") return oneofOf(member, given);
  const { message } = member;
  if (message === undefined) return `${given} ?? ${emptyOf(member)}`;
  if (member.fieldKind === "list") return `${given}?.map((one) => create${message.name}(one)) ?? []`;
  return `${given} == null ? undefined : create${message.name}(${given})`;
}

function oneofOf({ fields }: DescOneof, given: string): Printable {
  const cases = fields.map(({ localName, message }) => {
    const value = message === undefined ? `${given}.value` : `create${message.name}(${given}.value)`;
    return `${given}?.case === "${localName}" ? { case: "${localName}", value: ${value} } : `;
  });
  return `${cases.join("")}{ case: undefined }`;
}
