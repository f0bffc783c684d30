import { runBilling } from "./run.ts";

process.exitCode = await runBilling();
