import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

/** A key of a schema or of a declaration of environment variables. */
export interface Setting {
  /** File from the root of the repository. */
  readonly file: string;
  readonly key: string;
  /** True: code that does something reads the key, or what it was copied to. */
  readonly acts: boolean;
}

/** Files whose schemas are settings; those of clients' bodies are not. */
const schemaFiles =
  /^(services\/routing\/domain\/(config-schema|presets)\.ts|services\/provider-adapter\/adapters\/.*flavour\.ts|gateway\/trpc\/[\w-]+\.ts)$/;
/** What only tells administrators what they have set acts on nothing. */
const echoes: ReadonlySet<string> = new Set(["gateway/trpc/output.ts"]);
const schemaMakers: ReadonlySet<string> = new Set(["strictObject", "object", "looseObject"]);

/**
 * Every setting of the platform, and whether anything acts on it. A value is followed from its key through whatever it is
 * copied to: a property of another object, a variable, a field of a message, a row of the database. Only what is compared,
 * computed with, called, handed over or returned counts: a setting that is carried from one object to the next and read by
 * nobody at the end does not act.
 *
 * @param root folder of the repository.
 */
export function settingsOf(root: string): readonly Setting[] {
  const files = ["shared", "services", "gateway"].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.ts$/.test(path) && !/\.test\.ts$|(^|\/)testing[\w-]*\.ts$|(^|\/)simulator\//.test(path))
      .map((path) => join(root, room, path)),
  );
  const options = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
    ts.sys,
    root,
  ).options;
  const program = ts.createProgram(files, { ...options, noEmit: true });
  const checker = program.getTypeChecker();
  const own = program.getSourceFiles().filter(({ fileName }) => !fileName.includes("/node_modules/"));
  const flow = createFlow(checker);
  for (const source of own) if (!echoes.has(relative(root, source.fileName))) visit(source, (node) => flow.read(node));
  return own.flatMap((source) => {
    const file = relative(root, source.fileName);
    return keysOf(source, schemaFiles.test(file)).map((property) => ({
      file,
      key: property.name?.getText() ?? "",
      acts: flow.acts(property),
    }));
  });
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

/** The properties of every schema and declaration in a file. */
function keysOf(source: ts.SourceFile, withSchemas: boolean): readonly ts.ObjectLiteralElementLike[] {
  const keys: ts.ObjectLiteralElementLike[] = [];
  visit(source, (node) => {
    if (!ts.isCallExpression(node)) return;
    const [literal] = node.arguments;
    const called = node.expression;
    const name = ts.isPropertyAccessExpression(called) ? called.name.text : ts.isIdentifier(called) ? called.text : "";
    const declares = name === "declareEnv" || (withSchemas && schemaMakers.has(name));
    if (!declares || literal === undefined || !ts.isObjectLiteralExpression(literal)) return;
    keys.push(...literal.properties.filter((property) => !ts.isSpreadAssignment(property)));
  });
  return keys;
}

interface Flow {
  /** Notes what a node does with a value, if it reads one. */
  read(node: ts.Node): void;
  /** Whether what is declared here reaches something that acts. */
  acts(declaration: ts.Node): boolean;
}

function createFlow(checker: ts.TypeChecker): Flow {
  /** Where a value goes: from a declaration to those that it is copied to; `true`: something acts on it. */
  const ways = new Map<ts.Node, Set<ts.Node | true>>();

  const go = (symbol: ts.Symbol | undefined, to: readonly (ts.Node | true)[]): void => {
    for (const from of symbol?.declarations ?? []) {
      const known = ways.get(from) ?? new Set();
      for (const one of to) known.add(one);
      ways.set(from, known);
    }
  };

  /** An object that goes whole to where another form is wanted: its properties, at any depth, go to those of that form. */
  function link(from: ts.Type, to: ts.Type, depth = 0): void {
    if (depth > 4 || from === to) return;
    for (const one of to.isUnion() ? to.types : [to]) {
      for (const other of from.isUnion() ? from.types : [from]) linkOne(other, one, depth);
    }
  }

  function linkOne(from: ts.Type, to: ts.Type, depth: number): void {
    if (from === to || !(from.flags & ts.TypeFlags.Object) || !(to.flags & ts.TypeFlags.Object)) return;
    const [items, wanted] = [
      checker.getIndexTypeOfType(from, ts.IndexKind.Number),
      checker.getIndexTypeOfType(to, ts.IndexKind.Number),
    ];
    if (items !== undefined && wanted !== undefined) link(items, wanted, depth + 1);
    if (items !== undefined && wanted !== undefined) return;
    for (const property of from.getProperties()) {
      const [declared] = property.declarations ?? [];
      if (declared === undefined || declared.getSourceFile().fileName.includes("/node_modules/")) continue;
      const counterpart = checker.getPropertyOfType(to, property.name);
      if (counterpart === undefined) continue;
      go(
        property,
        (counterpart.declarations ?? []).filter((one) => one !== declared),
      );
      link(checker.getTypeOfSymbol(property), checker.getTypeOfSymbol(counterpart), depth + 1);
    }
  }

  /** What stands where something of a declared form is wanted. */
  function handOver(expression: ts.Expression): void {
    const wanted = checker.getContextualType(expression);
    if (wanted !== undefined) link(checker.getTypeAtLocation(expression), wanted);
  }

  return {
    read(node) {
      if (ts.isCallExpression(node))
        for (const argument of node.arguments) if (!ts.isFunctionLike(argument)) handOver(argument);
      if (ts.isPropertyAssignment(node) && !ts.isFunctionLike(node.initializer)) handOver(node.initializer);
      if (ts.isReturnStatement(node) && node.expression !== undefined) handOver(node.expression);
      if (ts.isPropertyAccessExpression(node)) {
        if (isWritten(node)) return;
        go(checker.getSymbolAtLocation(node.name), destinations(node, checker));
      } else if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
        const name = node.propertyName ?? node.name;
        if (!ts.isIdentifier(name) || !ts.isIdentifier(node.name)) return;
        const property = checker.getTypeAtLocation(node.parent).getProperty(name.text);
        if (node.dotDotDotToken === undefined) go(property, [node]);
      } else if (ts.isElementAccessExpression(node)) {
        const key = checker.getTypeAtLocation(node.argumentExpression);
        const names = (key.isUnion() ? key.types : [key]).flatMap((one) => (one.isStringLiteral() ? [one.value] : []));
        const type = checker.getTypeAtLocation(node.expression);
        for (const name of names) go(type.getProperty(name), destinations(node, checker));
      } else if (ts.isSpreadAssignment(node) && ts.isObjectLiteralExpression(node.parent)) {
        for (const property of checker.getTypeAtLocation(node.expression).getProperties()) {
          go(property, wantedBy(node.parent, property.name, checker));
        }
      } else if (ts.isIdentifier(node) && isUse(node)) {
        const symbol = ts.isShorthandPropertyAssignment(node.parent)
          ? checker.getShorthandAssignmentValueSymbol(node.parent)
          : checker.getSymbolAtLocation(node);
        go(symbol, destinations(node, checker));
      }
    },
    acts(declaration) {
      const seen = new Set<ts.Node>();
      const open: ts.Node[] = [declaration];
      for (let node = open.pop(); node !== undefined; node = open.pop()) {
        if (seen.has(node)) continue;
        seen.add(node);
        for (const to of ways.get(node) ?? []) {
          if (to === true) return true;
          open.push(to);
        }
      }
      return false;
    },
  };
}

/** A local name that is read, not declared, and no part of a longer name. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isShorthandPropertyAssignment(parent)) return parent.name === node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isVariableDeclaration(parent) || ts.isParameter(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  return (
    !ts.isTypeNode(parent) &&
    !ts.isImportSpecifier(parent) &&
    !ts.isExportSpecifier(parent) &&
    !ts.isPropertySignature(parent)
  );
}

function isWritten(node: ts.Node): boolean {
  const { parent } = node;
  return (
    ts.isBinaryExpression(parent) && parent.left === node && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken
  );
}

/**
 * Where a value that is read here goes: to the property, variable or field that it is the value of, however it is spelt
 * (`?? 0`, `BigInt(x)`, a condition); otherwise something acts on it.
 */
function destinations(read: ts.Node, checker: ts.TypeChecker): readonly (ts.Node | true)[] {
  for (let node: ts.Node = read; ; node = node.parent) {
    const { parent } = node;
    if (parent === undefined || ts.isStatement(parent) || ts.isFunctionLike(parent)) return [true];
    if (ts.isCallExpression(parent) && !carries(parent)) return [true];
    // `...(x === 0 ? {} : { y: x })` leaves out what was not given, and does no more with it.
    if (ts.isConditionalExpression(parent) && parent.condition === node && isSpread(parent)) return [];
    if (ts.isShorthandPropertyAssignment(parent) || (ts.isPropertyAssignment(parent) && parent.initializer === node)) {
      return propertiesOf(parent, checker);
    }
    if (ts.isVariableDeclaration(parent) && parent.initializer === node) {
      // A field that is read from a destructured value stands for itself.
      return ts.isIdentifier(parent.name) ? [parent] : [];
    }
    if (ts.isPropertyAccessExpression(parent) && parent.expression === node) return [true];
  }
}

/** Calls that change how a value is written, and nothing else. */
function carries(call: ts.CallExpression): boolean {
  return /^(BigInt|Number|String|Boolean|JSON\.stringify|Math\.\w+)$/.test(call.expression.getText());
}

function isSpread({ parent }: ts.Node): boolean {
  return ts.isParenthesizedExpression(parent) ? isSpread(parent) : ts.isSpreadAssignment(parent);
}

/** Declarations of the property that an object literal's element fills: of the type that is wanted there, or its own. */
function propertiesOf(
  element: ts.PropertyAssignment | ts.ShorthandPropertyAssignment,
  checker: ts.TypeChecker,
): readonly (ts.Node | true)[] {
  const declared = wantedBy(element.parent, element.name.getText().replace(/^["']|["']$/g, ""), checker);
  // A library of others acts on what it is told; so does a reader of an object without a declared form.
  if (declared.some((one) => one.getSourceFile().fileName.includes("/node_modules/"))) return [true];
  if (declared.length > 0) return [...declared, element];
  const { parent } = element;
  const given = ts.isCallExpression(parent.parent) && parent.parent.arguments.includes(parent);
  return given ? [true] : [element];
}

/** Declarations of a property in the types that are wanted where an object literal stands. */
function wantedBy(literal: ts.Expression, name: string, checker: ts.TypeChecker): readonly ts.Node[] {
  const type = checker.getContextualType(literal);
  return type === undefined ? [] : propertyIn(type, name, checker);
}

function propertyIn(type: ts.Type, name: string, checker: ts.TypeChecker): readonly ts.Node[] {
  if (type.isUnion()) return type.types.flatMap((one) => propertyIn(one, name, checker));
  return checker.getPropertyOfType(type, name)?.declarations ?? [];
}
