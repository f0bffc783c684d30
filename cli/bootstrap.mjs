#!/usr/bin/env node
// The way in on a fresh clone, whatever Node 20 or later starts it: installs the dependencies when they are missing or
// older than package-lock.json, builds the console where a gateway is to be started, then runs Throughline (or, with
// `--run TOOL`, a tool) under Node 24: the one that started it, or one that it installs.
//
// Throughline itself needs a quarter of the packages: the rest, for tests and builds, comes with the first tool.
//
//   node cli/bootstrap.mjs <arguments of throughline>
//   node cli/bootstrap.mjs --run <tool in node_modules/.bin, or "node"> <its arguments>
//
// JavaScript with no imports but Node's own: it runs before anything is installed, on a Node that strips no types.
// It writes to stderr only: stdout belongs to what it runs.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { basename, delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { BootstrapError, say, withInstallLock } from "./install-lock.mjs";
import { hasBuilder, isTrimmed, trim } from "./trim.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const lockFile = join(root, "package-lock.json");
/** npm writes this one last, when everything is in place and built: an interrupted install leaves it old or missing. */
const installedLockFile = join(root, "node_modules", ".package-lock.json");
/** Digest of the lock that was installed last: keeps a touched but unchanged package-lock.json from a second install. */
const stampFile = join(root, "node_modules", ".throughline-installed");
const neededNode = 24;
/** Commands that start a gateway, which serves the console. */
const servesConsole = ["up", "mesh", "gateway"];
const progressEveryMs = 5_000;

async function main(args) {
  const needsAll = args[0] === "--run";
  const isDone = () => isFresh(needsAll);
  if (!isDone()) await withInstallLock(root, isDone, (holdFor) => install(needsAll || hasAll(), holdFor));
  const [command, commandArgs] = plan(args);
  if (servesConsole.includes(args[0])) await buildConsole();
  run(command, commandArgs);
}

/**
 * Builds the console where it is missing or older than its sources, and takes away what only that needed. Throughline runs
 * without one: a failure is told, and no more.
 */
async function buildConsole() {
  const script = join(root, "console", "build.mjs");
  if (!existsSync(script)) return;
  try {
    const { buildConsole: build, isConsoleBuilt } = await import(pathToFileURL(script).href);
    if (!hasBuilder(root) && isConsoleBuilt()) return;
    // An update of the console comes after what built it was taken away.
    if (!hasBuilder(root))
      await withInstallLock(
        root,
        () => hasBuilder(root),
        (holdFor) => install(hasAll(), holdFor, true),
      );
    await build(node(), say);
    if (!hasAll())
      await withInstallLock(
        root,
        () => !hasBuilder(root),
        () => trim(root),
      );
  } catch (error) {
    say(`${error.message}\nthroughline: goes on without the console`);
  }
}

/** What to run: a tool of ours by its name, or Throughline. */
function plan(args) {
  if (args[0] !== "--run") return [node(), [join(root, "cli", "main.ts"), ...args]];
  const [, tool, ...toolArgs] = args;
  if (tool === undefined || basename(tool) !== tool)
    throw new BootstrapError("usage: bootstrap.mjs --run <tool> [arguments]");
  if (tool === "node") return [node(), toolArgs];
  const path = join(bin, tool);
  if (!existsSync(path)) throw new BootstrapError(`no tool "${tool}" in node_modules/.bin`);
  return [path, toolArgs];
}

/** The Node 24 among the dependencies, or this one where it is new enough. */
function node() {
  const installed = join(bin, "node");
  if (existsSync(installed)) return installed;
  if (isNewEnough()) return process.execPath;
  throw new BootstrapError(
    `Node ${neededNode} is not among the installed dependencies and this is Node ${process.versions.node}: delete node_modules and start again, or install Node ${neededNode}`,
  );
}

function isNewEnough() {
  return Number.parseInt(process.versions.node, 10) >= neededNode;
}

/** Runs to the end: same terminal, signals passed on, its exit code or signal as ours. */
function run(command, args) {
  const child = spawn(command, args, {
    stdio: "inherit",
    // Node keeps what it compiled of the sources: each process starts at half its CPU time, 0.4 s in place of 0.8. Where nothing
    // can be written there Node goes on without.
    env: {
      NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "node"),
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
    },
  });
  // A signal of the terminal (Ctrl-C) reaches the child by itself, and npm passes it on to us as well. A supervisor's signal to
  // the whole group does too, but cannot be told from a signal for us alone; Throughline takes signals that
  // follow each other so closely for one.
  const fromTerminal = process.stdin.isTTY ? ["SIGINT", "SIGQUIT"] : [];
  const handlers = new Map(
    ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGUSR2"].map((signal) => [
      signal,
      () => fromTerminal.includes(signal) || child.kill(signal),
    ]),
  );
  for (const [signal, handler] of handlers) process.on(signal, handler);
  child.on("error", (error) => {
    say(`cannot run ${command}: ${error.message}`);
    process.exitCode = 126;
  });
  child.on("exit", (code, signal) => {
    for (const [name, handler] of handlers) process.off(name, handler);
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    process.exitCode = 128 + constants.signals[signal];
    process.kill(process.pid, signal);
  });
}

/** Whether node_modules is what package-lock.json asks for. Two calls of stat, and a small file, when nothing was touched. */
function isFresh(needsAll) {
  const installed = statSync(installedLockFile, { throwIfNoEntry: false });
  const wanted = statSync(lockFile, { throwIfNoEntry: false });
  if (installed === undefined || (needsAll && (!hasAll() || isTrimmed(root)))) return false;
  if (!isNewEnough() && !existsSync(join(bin, "node"))) return false;
  if (wanted === undefined || installed.mtimeMs >= wanted.mtimeMs) return true;
  return readStamp() === lockDigest();
}

/** Whether the packages for tests are there as well, by whatever they were installed. */
function hasAll() {
  const { devDependencies = {} } = readManifest();
  return Object.keys(devDependencies).every((name) => existsSync(join(root, "node_modules", name)));
}

function readManifest() {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
}

function readStamp() {
  try {
    return readFileSync(stampFile, "utf8");
  } catch {
    return "";
  }
}

function lockDigest() {
  return createHash("sha256").update(readFileSync(lockFile)).digest("hex");
}

/**
 * `npm install`, not `npm ci`: that one fails where a registry lacks the optional binaries of other platforms.
 * `--no-save` leaves package-lock.json as it was cloned. All: development dependencies bring Node 24, so NODE_ENV is overruled.
 * Only what runs: without them, and without what packages of types ask for beside them (`--legacy-peer-deps`); Node 24 comes
 * where this one is older.
 */
async function install(all, holdFor, isForced = false) {
  if (!isForced && isFresh(all)) return;
  const startedMs = performance.now();
  const digest = lockDigest();
  say(`installing ${all ? "the dependencies, those of the tests too" : "what runs"} (once, and after an update) ...`);
  const npmCli = process.env.npm_execpath ?? "";
  const viaNode = basename(npmCli) === "npm-cli.js";
  const args = [
    "install",
    ...(all ? ["--include=dev"] : runOnly()),
    "--no-save",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const staging = all && isTrimmed(root) ? stage() : undefined;
  const child = spawn(viaNode ? process.execPath : "npm", viaNode ? [npmCli, ...args] : args, {
    cwd: staging ?? root,
    stdio: ["ignore", 2, 2],
  });
  const exit = new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new BootstrapError(`cannot run npm: ${error.message}`)));
    child.on("exit", (code, signal) => resolve(signal ?? code));
  });
  if (child.pid !== undefined) holdFor(child.pid);
  const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => [signal, () => child.kill(signal)]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  const stopTelling = tellProgress(startedMs);
  const outcome = await exit;
  stopTelling();
  for (const [signal, handler] of handlers) process.off(signal, handler);
  if (outcome !== 0) throw new BootstrapError(`npm install failed (${outcome}); what it said is above`);
  if (staging !== undefined) takePlace(staging);
  removeUnusedOfNode();
  writeFileSync(stampFile, digest);
  say(`dependencies installed in ${secondsSince(startedMs)} s`);
}

/**
 * A folder in which npm installs everything anew: it does not bring back single files that were taken out of a package. It is
 * inside node_modules, so that what is made there can take the place of that by renaming.
 */
function stage() {
  const folder = join(root, "node_modules", ".all");
  rmSync(folder, { recursive: true, force: true });
  const { workspaces = [] } = readManifest();
  const manifests = [".", ...workspaces].map((workspace) => join(workspace, "package.json"));
  for (const file of [...manifests, "package-lock.json", ".npmrc"]) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file));
  }
  return folder;
}

/** Packages that are in use are there again a moment later, in the same versions. */
function takePlace(staging) {
  const old = join(root, "node_modules.old");
  rmSync(old, { recursive: true, force: true });
  renameSync(join(root, "node_modules"), old);
  renameSync(join(old, basename(staging), "node_modules"), join(root, "node_modules"));
  rmSync(old, { recursive: true, force: true });
}

function runOnly() {
  const wanted = readManifest().devDependencies?.node;
  const own =
    isNewEnough() || wanted === undefined ? [] : [wanted.includes(":") ? wanted : `node@${wanted}`, "--save-prod"];
  return [...own, "--omit=dev", "--legacy-peer-deps"];
}

/** A line every five seconds: npm itself says nothing until it has ended. */
function tellProgress(startedMs) {
  const timer = setInterval(() => {
    say(`${countPackages()} packages so far, ${secondsSince(startedMs)} s ...`);
  }, progressEveryMs);
  return () => clearInterval(timer);
}

/** Packages that are laid out. npm makes all folders first and fills them as the packages come. */
function countPackages() {
  const folder = join(root, "node_modules");
  const names = foldersIn(folder).flatMap((name) =>
    name.startsWith("@") ? foldersIn(join(folder, name)).map((below) => join(name, below)) : [name],
  );
  return names.filter((name) => existsSync(join(folder, name, "package.json"))).length;
}

function foldersIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function secondsSince(startedMs) {
  return ((performance.now() - startedMs) / 1_000).toFixed(1);
}

/** The package of Node brings headers, manuals and an npm of its own, 67 MB that nobody here uses. */
function removeUnusedOfNode() {
  const packages = join(root, "node_modules", "node", "node_modules");
  if (!existsSync(packages)) return;
  for (const name of readdirSync(packages).filter((one) => one.startsWith("node-"))) {
    for (const part of ["include", "share", "lib"])
      rmSync(join(packages, name, part), { recursive: true, force: true });
  }
}

main(process.argv.slice(2)).catch((error) => {
  // An error of the file system says itself which folder it is about.
  say(error instanceof BootstrapError || error.syscall !== undefined ? error.message : error.stack);
  process.exitCode = 1;
});
