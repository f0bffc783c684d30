// One process at a time installs into node_modules.
//
// JavaScript with no imports but Node's own, as cli/bootstrap.mjs has it.

import { randomUUID } from "node:crypto";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const lockWaitMs = 15 * 60_000;

/**
 * Runs `work` while no other process installs here; not at all when another has done it meanwhile. The lock is a directory
 * with a file for each process on whose behalf it is held, named by its ID. It is taken by renaming a prepared directory
 * onto it, which the kernel refuses while it is not empty; files of dead processes are removed by their unique names, so no
 * living owner's lock can be broken. `holdFor` adds a process: an npm that outlives a killed bootstrap still holds the lock.
 */
export async function withInstallLock(root, isDone, work) {
  const stateDir = join(root, ".throughline");
  const installLock = join(stateDir, "install.lock");
  mkdirSync(stateDir, { recursive: true });
  const nonce = randomUUID();
  const held = [`${process.pid}.${nonce}`];
  const prepared = join(stateDir, `install.${nonce}`);
  mkdirSync(prepared);
  writeFileSync(join(prepared, held[0]), "");
  const giveUpMs = performance.now() + lockWaitMs;
  let told = false;
  while (!tryRename(prepared, installLock)) {
    if (isDone()) {
      rmSync(prepared, { recursive: true, force: true });
      return;
    }
    const owners = readLock(installLock);
    const dead = owners.filter((owner) => !isAlive(Number.parseInt(owner, 10)));
    for (const owner of dead) removeFile(join(installLock, owner));
    if (dead.length < owners.length) {
      if (!told) say("waiting for another process that installs the dependencies ...");
      told = true;
      if (performance.now() > giveUpMs) {
        rmSync(prepared, { recursive: true, force: true });
        throw new BootstrapError(
          `waited ${lockWaitMs / 60_000} minutes for the lock ${installLock}; remove it if nothing installs`,
        );
      }
      await sleep(100);
    }
  }
  try {
    await work((pid) => {
      held.push(`${pid}.${nonce}`);
      writeFileSync(join(installLock, `${pid}.${nonce}`), "");
    });
  } finally {
    for (const name of held) removeFile(join(installLock, name));
  }
}

function tryRename(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "ENOTEMPTY" || error.code === "EEXIST") return false;
    throw error;
  }
}

function readLock(installLock) {
  try {
    return readdirSync(installLock);
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code !== "ESRCH";
  }
  try {
    // A dead process stays as a zombie until its parent asks for it; the first process of a container may never do.
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return true;
  }
}

function removeFile(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

/** Tells the person at the terminal; stdout belongs to what runs. */
export function say(text) {
  try {
    writeSync(2, `throughline: ${text}\n`);
  } catch {
    // Nobody reads it: what it is about goes on all the same.
  }
}

/** What is told in one line, without a stack. */
export class BootstrapError extends Error {}
