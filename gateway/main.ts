import { runGateway } from "./run.ts";

process.exitCode = await runGateway();
