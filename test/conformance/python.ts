import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whether Python is there with all of these packages; tests of its clients are skipped where it is not. */
export async function hasPython(...packages: readonly string[]): Promise<boolean> {
  return run("python3", ["-c", `import ${packages.join(", ")}`]).then(
    () => true,
    () => false,
  );
}

/** Runs a program of Python. Rejects with what it wrote where it does not end well, as by an `assert`. */
export async function python(program: string, ...args: readonly string[]): Promise<void> {
  await run("python3", ["-c", program, ...args]);
}
