import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// Loaded before a process whose memory is to be told (NODE_OPTIONS=--import ...): SIGUSR2 collects its garbage, so that
// what is counted is what it holds and not what it has not thrown away yet.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options: object) => void;
process.on("SIGUSR2", () => collect({ type: "major", execution: "sync", flavor: "last-resort" }));
