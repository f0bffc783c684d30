import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Curve, CurveName } from "./growth/curves.ts";
import { curveMarkdown } from "./growth/markdown.ts";
import { draw } from "./growth/pictures.ts";
import { root } from "./subjects/ground.ts";
import { markdown } from "./table/markdown.ts";
import type { TableResult } from "./table/run.ts";

const folder = join(root, "docs/performance");
const page = join(root, "docs/performance.md");

/** Writes a curve's numbers and picture beside docs/performance.md, and into it. */
export async function publishCurve(name: CurveName, curve: Curve): Promise<void> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(curve, null, 1)}\n`);
  writeFileSync(join(folder, `${name}.svg`), await draw(name, curve));
  fill(name, `![${name}](performance/${name}.svg)\n\n${curveMarkdown(curve)}`);
}

/** Writes the table's numbers beside docs/performance.md, and the table into it. */
export function publishTable(result: TableResult): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "table.json"), `${JSON.stringify(result, null, 1)}\n`);
  fill("table", markdown(result));
}

/** The published numbers of a curve; undefined: there are none. */
export function readCurve(name: CurveName): Curve | undefined {
  const file = join(folder, `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Curve) : undefined;
}

/** The published numbers of the table; undefined: there are none. */
export function readTable(): TableResult | undefined {
  const file = join(folder, "table.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as TableResult) : undefined;
}

/** Replaces what stands between `<!-- bench: NAME -->` and `<!-- /bench -->`; the words around it are written by hand. */
function fill(name: string, content: string): void {
  const text = readFileSync(page, "utf8");
  const opening = `<!-- bench: ${name} -->`;
  const start = text.indexOf(opening);
  const end = text.indexOf("<!-- /bench -->", start);
  if (start === -1 || end === -1) throw new Error(`docs/performance.md has no place for ${name}`);
  writeFileSync(page, `${text.slice(0, start + opening.length)}\n${content}\n${text.slice(end)}`);
}
