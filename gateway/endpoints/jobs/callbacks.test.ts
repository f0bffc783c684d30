import { expect, test } from "vitest";
import type { WakeJobRequest } from "../../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import { unaryHandler } from "../../../shared/rpc/index.ts";
import { startTestGateway } from "../../testing.ts";

test("a vendor's callback is passed on by its token alone, and answered alike whatever it is", async () => {
  const woken: string[] = [];
  await using gateway = await startTestGateway({
    jobs: {
      wakeJob: unaryHandler(async ({ token }: WakeJobRequest) => {
        woken.push(token);
        if (token === "away") throw new Error("jobs is away");
        return {};
      }),
    },
  });
  const post = (path: string, init: RequestInit = {}) => fetch(`${gateway.url}${path}`, { method: "POST", ...init });
  const bodies: RequestInit[] = [
    {},
    { body: "{", headers: { "content-type": "application/json" } },
    { body: "status=succeeded" },
    { body: new FormData() },
    { body: "x".repeat(100_000), headers: { "content-type": "application/octet-stream" } },
  ];
  for (const [n, init] of bodies.entries()) {
    const response = await post(`/callbacks/token-${n}`, init);
    expect([response.status, await response.text(), response.headers.get("x-request-id")]).toEqual([204, "", null]);
  }
  expect((await post("/callbacks/away")).status).toBe(204);
  await expect.poll(() => woken).toEqual([...bodies.map((_, n) => `token-${n}`), "away"]);
  for (const path of ["/callbacks", "/callbacks/a/b"]) expect((await post(path)).status).toBe(404);
  expect((await fetch(`${gateway.url}/callbacks/a`)).status).toBe(404);
});
