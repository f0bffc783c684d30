import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { ZodType } from "zod";
import { unfilledPlaceholders } from "./placeholders.ts";
import { type Path, type Problem, pathText } from "./problems.ts";
import { schemaProblems } from "./schema-problems.ts";

/** A document that was read: its value, and a way to tell where in the file a path is. */
export interface Located<T> {
  readonly value: T;
  /** A problem of the value at `path`, placed at its line and column. */
  problem(path: Path, message: string): Problem;
}

export type Read<T> = { readonly ok: true; readonly located: Located<T> } | { ok: false; problems: readonly Problem[] };

/** Parses YAML and checks it by a schema. All problems are given, each with line and column (from 1) of its field. */
export function readYaml<T>(text: string, fileName: string, schema: ZodType<T>): Read<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      place: at(error.pos[0]),
      path: "",
      message: firstLine(error.message),
    }));
    return { ok: false, problems };
  }
  let plain: unknown;
  try {
    plain = document.toJS();
  } catch (error) {
    // The library refuses alias bombs here.
    return { ok: false, problems: [{ place: fileName, path: "", message: firstLine(String(error)) }] };
  }
  // A file that is being rewritten is empty for a moment: it must never count as "configure nothing".
  if (plain === null || plain === undefined) {
    return { ok: false, problems: [{ place: at(0), path: "", message: "the file is empty" }] };
  }
  const problem = (path: Path, message: string): Problem => ({
    place: at(offsetOf(document, path)),
    path: pathText(path),
    message,
  });
  const unfilled = unfilledPlaceholders(plain);
  const checked = schema.safeParse(plain);
  if (checked.success && unfilled.length === 0) return { ok: true, located: { value: checked.data, problem } };
  // The schema need not judge a value that was never filled in.
  const said = new Set(unfilled.map(({ path }) => pathText(path)));
  const wrong = checked.success ? [] : schemaProblems(checked.error).filter(({ path }) => !said.has(pathText(path)));
  const found = [...unfilled, ...wrong].map((p) => ({ ...p, offset: offsetOf(document, p.path) }));
  found.sort((a, b) => a.offset - b.offset);
  return { ok: false, problems: found.map(({ path, message }) => problem(path, message)) };
}

/** Offset of the key that a path ends in, or of the list's item; of the nearest part that exists when it does not. */
function offsetOf(document: Document, path: Path): number {
  let node: Node | null = document.contents as Node | null;
  let offset = node?.range?.[0] ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      next = pair.value;
    } else if (isSeq(node) && typeof part === "number") {
      next = node.items[part];
      if (isNode(next)) offset = next.range?.[0] ?? offset;
    }
    if (!isNode(next)) return offset;
    node = next;
  }
  return offset;
}

function firstLine(text: string): string {
  // The library adds "at line 3, column 5:" and an excerpt; the place says it already.
  return (text.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
}
