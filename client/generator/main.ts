import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { createTypePrinter, docComment } from "./print-type.ts";

/*
 * Writes contract/router.ts: what each procedure of the gateway's router takes and gives, spelt out, with nothing of the gateway's
 * sources in it. `npm run client:generate` runs it; gateway/trpc/contract.ts does not compile where its result is out of date.
 */

const root = fileURLToPath(new URL("../..", import.meta.url));
const contract = `${root}client/contract/`;
const source = `${root}gateway/trpc/contract.ts`;

const head = `/* Made from the gateway's router by npm run client:generate. */
import type {
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from "@trpc/server";
`;

const tail = `
/** JSON-RPC's code of an error; what happened is in \`data.code\`. */
export type ErrorShape = {
  message: string;
  code: TRPCErrorCode;
  data: ErrorData;
};

type TRPCErrorCode = import("@trpc/server").TRPC_ERROR_CODE_NUMBER;

/** A call that reads. */
type Query<Input, Output> = TRPCQueryProcedure<{ input: Input; output: Output; meta: object; errorShape: ErrorShape }>;
/** A call that changes or costs something. */
type Mutation<Input, Output> = TRPCMutationProcedure<{
  input: Input;
  output: Output;
  meta: object;
  errorShape: ErrorShape;
}>;
/** A stream of events, each with an ID. */
type Subscription<Input, Event> = TRPCSubscriptionProcedure<{
  input: Input;
  output: AsyncIterable<{ id: string; data: Event }, void, unknown>;
  meta: object;
  errorShape: ErrorShape;
}>;

/** Type of the router, for clients that are made by hand. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: false },
  Procedures
>;
`;

function main(): void {
  const config = ts.getParsedCommandLineOfConfigFile(
    `${root}tsconfig.json`,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
      },
    },
  );
  if (config === undefined) throw new Error("no tsconfig.json");
  const program = ts.createProgram([source], config.options);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(source);
  if (file === undefined) throw new Error(`no ${source}`);
  const exported = (name: string): ts.Symbol => {
    const module = checker.getSymbolAtLocation(file);
    const found =
      module === undefined ? undefined : checker.getExportsOfModule(module).find((one) => one.name === name);
    if (found === undefined) throw new Error(`${source} exports no ${name}`);
    return found;
  };
  const printer = createTypePrinter(checker, contract);
  const lines = [
    `/** What \`error.data\` says. */\nexport type ErrorData = ${printer.print(checker.getDeclaredTypeOfSymbol(exported("ErrorData")), "")};`,
    "",
    "/** Every procedure: what it takes and what it gives. */\nexport type Procedures = {",
  ];
  for (const group of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(exported("Described")))) {
    lines.push(`  ${group.name}: {`);
    for (const one of checker.getPropertiesOfType(checker.getTypeOfSymbol(group))) {
      const described = checker.getTypeOfSymbol(one);
      const part = (name: string): ts.Type => {
        const property = checker.getPropertyOfType(described, name);
        if (property === undefined) throw new Error(`${group.name}.${one.name} has no ${name}`);
        return checker.getTypeOfSymbol(property);
      };
      const kind = checker.typeToString(part("kind")).replaceAll('"', "");
      const doc = docComment(ts.displayPartsToString(one.getDocumentationComment(checker)), "    ");
      lines.push(
        ...doc,
        `    ${one.name}: ${kind}<${printer.print(part("input"), "    ")}, ${printer.print(part("output"), "    ")}>;`,
      );
    }
    lines.push("  };");
  }
  lines.push("};");
  const imports = [...printer.imports]
    .filter(([path]) => path !== "router.ts")
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, names]) => `import type { ${[...names].sort().join(", ")} } from "./${path}";`);
  writeFileSync(`${contract}router.ts`, `${head}${imports.join("\n")}\n\n${lines.join("\n")}\n${tail}`);
}

main();
