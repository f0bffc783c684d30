// Builds the console into console/dist, unless what is there was made from these very sources.
//
//   node console/build.mjs
//
// JavaScript with no imports but Node's own: the first start of a fresh clone runs it (cli/bootstrap.mjs), and so does the image.

import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "console");
const dist = join(folder, "dist");
/** Says what the built console was made from. */
const stampFile = join(dist, ".made-from");
/** What it is made from: its own sources, those of the client, and the packages by their versions. */
const sources = ["console", "client", "package-lock.json"];
const isLeftOut = (path) => /(^|\/)(node_modules|dist[^/]*|test)(\/|$)|\.test\.tsx?$|\.md$|\.tgz$/.test(path);

/** Digest of all that the console is made from. */
function digestOfSources() {
  const digest = createHash("sha256");
  for (const path of sources.flatMap(filesOf).sort()) {
    digest.update(`${path}\0`).update(
      createHash("sha256")
        .update(readFileSync(join(root, path)))
        .digest(),
    );
  }
  return digest.digest("hex");
}

function filesOf(path) {
  if (path.includes(".")) return existsSync(join(root, path)) ? [path] : [];
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((file) => !isLeftOut(file));
}

function isMadeFrom(digest) {
  try {
    return readFileSync(stampFile, "utf8") === digest;
  } catch {
    return false;
  }
}

/** Whether the console is built from these sources. */
export function isConsoleBuilt() {
  return isMadeFrom(digestOfSources());
}

/**
 * Builds the console where it is not built from these sources. Several processes may do so at once: each builds into a folder
 * of its own, which then takes the place of the one before.
 *
 * @param node the Node that runs the build.
 * @param say told when a build begins and when it has ended.
 * @returns true: it was built now; false: it was up to date.
 */
export async function buildConsole(node = process.execPath, say = () => {}) {
  const digest = digestOfSources();
  if (isMadeFrom(digest)) return false;
  const startedMs = performance.now();
  say("building the console (once, and after an update) ...");
  const made = `${dist}-${process.pid}-${randomUUID()}`;
  const old = `${made}-old`;
  try {
    await runVite(node, made);
    writeFileSync(join(made, ".made-from"), digest);
    if (existsSync(dist)) tryRename(dist, old);
    // If another process was quicker, its build of the same sources stays.
    if (!tryRename(made, dist) && !isMadeFrom(digest)) throw new Error(`cannot put the built console to ${dist}`);
  } finally {
    rmSync(made, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
  say(`console built in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
  return true;
}

function tryRename(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

async function runVite(node, outDir) {
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  // Vite's own lock refuses a second build; ours go to folders of their own.
  const args = [vite, "build", "--outDir", outDir, "--emptyOutDir", "--logLevel", "warn", "--bypass-lock"];
  const child = spawn(node, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`the console could not be built:\n${said}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const say = (text) => process.stderr.write(`${text}\n`);
  if (!(await buildConsole(process.execPath, say))) say("the console is up to date");
}
