import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Curve, type CurveName, curveNames } from "./growth/curves.ts";
import { curveMarkdown } from "./growth/markdown.ts";
import { draw } from "./growth/pictures.ts";
import { root } from "./subjects/ground.ts";
import { markdown } from "./table/markdown.ts";
import type { TableResult } from "./table/run.ts";
import { sizing } from "./table/sizing.ts";
import { targetsMarkdown } from "./table/targets-markdown.ts";

const folder = join(root, "docs/performance");
const page = join(root, "docs/performance.md");

/** Publishes a curve: its numbers, its picture, and the page. */
export async function publishCurve(name: CurveName, curve: Curve): Promise<void> {
  write(name, curve);
  await drawAnew();
}

/** Publishes the table; the targets are read from it from then on. */
export async function publishTable(result: TableResult): Promise<void> {
  write("table", withoutPlace(result));
  rmSync(fileOf("targets"), { force: true });
  await drawAnew();
}

/** Publishes the targets of a run beside the table, which stays. */
export async function publishTargets(result: TableResult): Promise<void> {
  write("targets", withoutPlace(result));
  await drawAnew();
}

/** Where the other checkout lay is of no use to others. */
function withoutPlace({ plan: { before: _, ...plan }, ...result }: TableResult): TableResult {
  return { ...result, plan };
}

/** The published numbers of the table; undefined: there are none. */
export function readTable(): TableResult | undefined {
  return read<TableResult>("table");
}

/** Writes pictures and page anew from the published numbers. */
export async function drawAnew(): Promise<void> {
  for (const [file, svg] of await publishedPictures()) writeFileSync(join(folder, file), svg);
  writeFileSync(page, publishedPage(readFileSync(page, "utf8")));
}

/** The pictures of the published curves, by file. */
export async function publishedPictures(): Promise<[file: string, svg: string][]> {
  const drawn: [string, string][] = [];
  for (const name of curveNames) {
    const curve = readCurve(name);
    if (curve !== undefined) drawn.push([`${name}.svg`, await draw(name, curve)]);
  }
  return drawn;
}

/** The page with all that is published in its places; the words around them are written by hand. */
export function publishedPage(text: string): string {
  const table = readTable();
  const targets = read<TableResult>("targets") ?? table;
  let filled = text;
  if (table !== undefined) {
    filled = fill(filled, "table", markdown(table));
    filled = fill(filled, "sizing", sizing(table, readCurve("streams"), readCurve("slow-readers")));
  }
  if (targets !== undefined) filled = fill(filled, "targets", targetsMarkdown(targets));
  for (const name of curveNames) {
    const curve = readCurve(name);
    const content =
      curve === undefined ? "Not measured yet." : `![${name}](performance/${name}.svg)\n\n${curveMarkdown(curve)}`;
    filled = fill(filled, name, content);
  }
  return filled;
}

function readCurve(name: CurveName): Curve | undefined {
  return read<Curve>(name);
}

function fileOf(name: string): string {
  return join(folder, `${name}.json`);
}

function read<T>(name: string): T | undefined {
  return existsSync(fileOf(name)) ? (JSON.parse(readFileSync(fileOf(name), "utf8")) as T) : undefined;
}

function write(name: string, found: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(found, null, 1)}\n`);
}

/** Replaces what stands between `<!-- bench: NAME -->` and `<!-- /bench -->`. */
function fill(text: string, name: string, content: string): string {
  const opening = `<!-- bench: ${name} -->`;
  const start = text.indexOf(opening);
  const end = text.indexOf("<!-- /bench -->", start);
  if (start === -1 || end === -1) throw new Error(`docs/performance.md has no place for ${name}`);
  return `${text.slice(0, start + opening.length)}\n${content}\n${text.slice(end)}`;
}
