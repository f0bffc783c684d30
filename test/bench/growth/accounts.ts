import { createTRPCClient, httpLink } from "@trpc/client";
import { readAdminKey } from "../../../cli/admin-key.ts";
import type { AppRouter } from "../../../gateway/trpc/router.ts";
import { closedLoop } from "../load/loads.ts";
import { must } from "../load/must.ts";
import { chatRequest } from "../load/request.ts";
import type { Ground } from "../subjects/ground.ts";
import { type RunningThroughline, throughline } from "../subjects/throughline.ts";
import type { GrowthPlan, Point } from "./curves.ts";
import { loadPoint } from "./point.ts";

/** Makes an account with credit and a key as an administrator does; gives the key. */
async function addAccount(client: ReturnType<typeof createTRPCClient<AppRouter>>, name: string): Promise<string> {
  const { account_id } = await client.accounts.create.mutate({ name });
  await client.credits.add.mutate({ account_id, amount_usd: "1000", reason: "bench" });
  const { secret } = await client.keys.create.mutate({ account_id, scopes: ["*"] });
  return secret;
}

/** One hot account against many: all requests of one share its row. */
export async function accounts(ground: Ground, plan: GrowthPlan): Promise<Point[]> {
  const points: Point[] = [];
  for (const mode of ["up", "mesh"] as const) {
    await using undo = new AsyncDisposableStack();
    const subject = await throughline(ground, {
      name: mode,
      mode,
      sampled: 0.01,
      starts: 0,
      dataFolder: `${ground.folder}/accounts-${mode}`,
    });
    undo.defer(() => subject.stop());
    const own = chatRequest(subject.target, { kind: "answer", delayMs: 0 });
    must(subject, await closedLoop(subject.target, 64, { count: plan.warmUp }, () => own));
    const requests: Buffer[] = [];
    const client = administration(subject);
    for (const x of plan.accounts) {
      while (requests.length < x) {
        const secret = await addAccount(client, `bench ${requests.length}`);
        const target = { ...subject.target, headers: { authorization: `Bearer ${secret}` } };
        requests.push(chatRequest(target, { kind: "answer", delayMs: 0 }));
      }
      const next = (): Buffer => requests[Math.floor(Math.random() * x)] as Buffer;
      for (const concurrency of [64, 256])
        points.push({
          series: `${mode}, c = ${concurrency}`,
          x,
          values: await loadPoint(subject, concurrency, plan.pointMs, next),
        });
    }
  }
  return points;
}

function administration({ target, dataFolder }: RunningThroughline) {
  const secret = readAdminKey(dataFolder);
  if (secret === undefined) throw new Error("there is no administration key");
  const url = `http://${target.host}:${target.port}/trpc`;
  return createTRPCClient<AppRouter>({ links: [httpLink({ url, headers: { authorization: `Bearer ${secret}` } })] });
}
