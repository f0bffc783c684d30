import { runRouting } from "./run.ts";

process.exitCode = await runRouting();
