import { keepCompiled } from "./compile-cache.ts";

/*
 * The command line of Throughline. Node compiles all that a file imports before it runs the file, so what is to be kept is
 * loaded from here: a command that is done in a moment takes 0.16 s of CPU then, in place of 0.28.
 */

keepCompiled();
const { runCommandLine } = await import("./command-line.ts");
await runCommandLine();
