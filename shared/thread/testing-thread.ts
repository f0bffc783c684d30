import { setTimeout as sleep } from "node:timers/promises";
import { ThroughlineError } from "../errors/error.ts";
import { serveThread } from "./serve.ts";

/** A thread for tests: does what the name of the call says. */
await serveThread(async (data) => ({
  async run(input, { requestId, timeoutMs, signal }) {
    switch (input) {
      case "tell":
        return { output: { data, requestId, timeoutMs } };
      case "refuse":
        throw new ThroughlineError("invalid_value", "no such page", { param: "page", retryAfterMs: 7 });
      case "fail":
        throw new Error("a secret detail");
      case "bytes": {
        const bytes = Uint8Array.of(1, 2, 3);
        return { output: bytes, transfer: [bytes.buffer] };
      }
      case "wait":
        await sleep(60_000, undefined, { ...(signal && { signal }) });
        return { output: undefined };
      case "hang":
        for (;;);
      case "exhaust":
        for (const kept: string[][] = []; ; ) kept.push(new Array<string>(100_000).fill(`${kept.length}`));
      default:
        process.exit(3);
    }
  },
  async stop() {},
}));
