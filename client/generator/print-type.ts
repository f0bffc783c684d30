import ts from "typescript";

/** What a printed text needs of other files: names by the file that exports them. */
export type Imports = Map<string, Set<string>>;

/** Prints types as TypeScript. */
export interface TypePrinter {
  /** A type in words that stand alone; types of the contract's own files are imported by name. */
  print(type: ts.Type, indent: string): string;
  readonly imports: Imports;
}

/**
 * Creates a printer. Types that are declared in `folder` keep their names; all others are spelt out, so that nothing of where they
 * were declared is left. Throws on what cannot travel as JSON, such as a function.
 */
export function createTypePrinter(checker: ts.TypeChecker, folder: string): TypePrinter {
  const imports: Imports = new Map();

  function print(type: ts.Type, indent: string): string {
    const name = nameOf(type);
    if (name !== undefined) return name;
    if (type.isUnion()) return union(type.types, indent);
    if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return object(type, indent);
    return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation);
  }

  /** The name of a type of the contract's own files, which is then imported. */
  function nameOf(type: ts.Type): string | undefined {
    const symbol = type.aliasSymbol ?? type.symbol;
    const file = symbol?.declarations?.[0]?.getSourceFile().fileName;
    if (file === undefined || !file.startsWith(folder) || symbol.name.startsWith("__")) return undefined;
    const names = imports.get(file.slice(folder.length)) ?? new Set();
    imports.set(file.slice(folder.length), names.add(symbol.name));
    const given = type.aliasTypeArguments ?? (isReference(type) ? checker.getTypeArguments(type) : []);
    return given.length === 0 ? symbol.name : `${symbol.name}<${given.map((one) => print(one, "")).join(", ")}>`;
  }

  function union(types: readonly ts.Type[], indent: string): string {
    const isTrue = types.some((type) => checker.typeToString(type) === "true");
    const isFalse = types.some((type) => checker.typeToString(type) === "false");
    const parts = types.map((type) => {
      const text = print(type, indent);
      return isTrue && isFalse && (text === "true" || text === "false") ? "boolean" : text;
    });
    // As a person would write it: null and undefined last.
    const rank = (text: string) => ["null", "undefined"].indexOf(text);
    return [...new Set(parts)].sort((one, other) => rank(one) - rank(other)).join(" | ");
  }

  function object(type: ts.Type, indent: string): string {
    if (type.isIntersection() && type.types.every((part) => nameOf(part) !== undefined)) {
      return type.types.map((part) => print(part, indent)).join(" & ");
    }
    if (checker.isTupleType(type)) {
      return `[${checker
        .getTypeArguments(type as ts.TypeReference)
        .map((part) => print(part, indent))
        .join(", ")}]`;
    }
    if (checker.isArrayType(type)) {
      const [element] = checker.getTypeArguments(type as ts.TypeReference);
      const text = element === undefined ? "unknown" : print(element, indent);
      const readonly = type.symbol.name === "ReadonlyArray" ? "readonly " : "";
      return `${readonly}${/[|&]/.test(text.replace(/\{[\s\S]*\}/, "")) ? `(${text})` : text}[]`;
    }
    if (type.getCallSignatures().length > 0) throw new TypeError(`${checker.typeToString(type)} is a function`);
    return members(type, indent);
  }

  function members(type: ts.Type, indent: string): string {
    const inner = `${indent}  `;
    const lines = checker.getIndexInfosOfType(type).map(({ keyType, type: value, isReadonly }) => {
      return `${inner}${isReadonly ? "readonly " : ""}[key: ${print(keyType, inner)}]: ${print(value, inner)};`;
    });
    for (const property of checker.getPropertiesOfType(type)) {
      const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
      const value = checker.getTypeOfSymbol(property);
      // The compiler has a type of its own for an optional property that is not there.
      const isThere = (part: ts.Type) => part === checker.getUndefinedType() || !(part.flags & ts.TypeFlags.Undefined);
      const text =
        isOptional && value.isUnion() && nameOf(value) === undefined
          ? union(value.types.filter(isThere), inner)
          : print(value, inner);
      lines.push(...docOf(property, inner), `${inner}${property.name}${isOptional ? "?" : ""}: ${text};`);
    }
    return lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n${indent}}`;
  }

  /** What the source says of a property. */
  function docOf(property: ts.Symbol, indent: string): string[] {
    return docComment(ts.displayPartsToString(property.getDocumentationComment(checker)), indent);
  }

  return { print, imports };
}

function isReference(type: ts.Type): type is ts.TypeReference {
  return (
    (type.flags & ts.TypeFlags.Object) !== 0 && ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) !== 0
  );
}

/** A text as a comment. */
export function docComment(text: string, indent: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.length === 1) return [`${indent}/** ${text} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}
