// Takes out of node_modules what running does not need, so that the install of a newcomer is small: 351 MB become 234, where
// Node 24 alone is 121 of them. Tools need all of it: cli/bootstrap.mjs installs anew before the first one.
//
// JavaScript with no imports but Node's own, as cli/bootstrap.mjs has it.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Stands in a node_modules that was trimmed. */
const markOf = (root) => join(root, "node_modules", ".throughline-trimmed");
/** Types, sources and maps of what is compiled, static libraries, and what people read. Licences stay. */
const unused = /\.(?:[cm]?ts|map|flow|a|md|markdown)$/i;
const isLicence = /licen[cs]e|notice|copying/i;

/** The packages that build the console. They go first: while they are there, so is all that they need. */
const builder = "node_modules/vite";

/** Whether files of packages were taken out, which only an install into an empty folder brings back. */
export function isTrimmed(root) {
  return existsSync(markOf(root));
}

/** Whether the packages are there that the console is built with. */
export function hasBuilder(root) {
  return existsSync(join(root, builder));
}

/** Removes packages that the console alone is built with, and files that no process reads. */
export function trim(root) {
  writeFileSync(markOf(root), "");
  for (const place of [builder, ...consoleOnly(root)]) rmSync(join(root, place), { recursive: true, force: true });
  for (const { parentPath, name } of filesBelow(join(root, "node_modules"))) {
    if (unused.test(name) && !isLicence.test(name)) rmSync(join(parentPath, name), { force: true });
  }
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
}

/** Packages that the lock has for the console and not for what runs, by their places below the root. */
function consoleOnly(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  if (packages.console === undefined) return [];
  const { dependencies = {} } = packages[""];
  const runs = reachable(
    packages,
    Object.keys(dependencies).map((name) => placeOf(packages, "", name)),
  );
  return [...reachable(packages, ["console"])].filter((place) => place.startsWith("node_modules/") && !runs.has(place));
}

/** What those places need, themselves among it. */
function reachable(packages, places) {
  const seen = new Set();
  const next = [...places];
  for (let place = next.pop(); place !== undefined; place = next.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const { dependencies, optionalDependencies, peerDependencies } = packages[place] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const found = placeOf(packages, place, name);
      if (found !== undefined) next.push(found);
    }
  }
  return seen;
}

/** Where a package finds another, as Node looks for it: in its own node_modules, then in those above. */
function placeOf(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const place = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    const found = packages[place];
    if (found !== undefined) return found.link === true ? found.resolved : place;
    if (at === "") return undefined;
  }
}
