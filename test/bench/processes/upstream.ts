import { startBenchUpstream } from "../upstream/server.ts";

// The upstream of the bench in a process of its own.
const upstream = await startBenchUpstream(Number(process.argv[2] ?? 0));
process.on("SIGTERM", () => process.exit(0));
console.log(`listening ${upstream.port}`);
