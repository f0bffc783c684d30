import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { chatBody } from "../load/request.ts";
import { root } from "../subjects/ground.ts";
import type { Subject } from "../subjects/subject.ts";

/** What a load generator that we did not write says of the same row. */
export interface SecondOpinion {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly bad: number;
}

interface AutocannonResult {
  readonly requests: { readonly average: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly non2xx: number;
  readonly errors: number;
}

/** Runs autocannon in a process of its own against a row. */
export async function autocannon(subject: Subject, concurrency: number, seconds: number): Promise<SecondOpinion> {
  const { host, port, headers } = subject.target;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      join(root, "node_modules/autocannon/autocannon.js"),
      ...["--json", "--connections", String(concurrency), "--duration", String(seconds), "--method", "POST"],
      ...Object.entries({ ...headers, "content-type": "application/json" }).flatMap(([name, value]) => [
        "--headers",
        `${name}=${value}`,
      ]),
      ...["--body", chatBody({ kind: "answer", delayMs: 0 }), `http://${host}:${port}/v1/chat/completions`],
    ],
    { maxBuffer: 16 * 1024 * 1024 },
  );
  const { requests, latency, non2xx, errors } = JSON.parse(stdout) as AutocannonResult;
  return { perSecond: requests.average, p50Ms: latency.p50, p99Ms: latency.p99, bad: non2xx + errors };
}
