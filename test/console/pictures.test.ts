// Makes the pictures of docs/console anew. By hand, when a screen has changed; look at each before you keep it:
//
//   PICTURES=all vitest run test/console/pictures.test.ts          PICTURES=keys,my-key: those alone
//
// Each screen is taken in light and dark, over a deployment with traffic of its own.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { test } from "vitest";
import { signIn, startBrowser, visit } from "./browser.ts";
import { builtConsole, type House, type Keys, startHouse } from "./house.ts";

const folder = fileURLToPath(new URL("../../docs/console/", import.meta.url));

interface Picture {
  readonly path: string;
  readonly role?: keyof Keys;
  /** What must be there before the picture is taken. */
  readonly shows: string | RegExp;
}

/** What traffic has made that pictures are of. */
interface Made {
  readonly request: string;
  readonly failed: string;
}

const pictures: Readonly<Record<string, (made: Made) => Picture>> = {
  find: () => ({ path: "/", shows: /ID/ }),
  request: ({ request }) => ({ path: `/requests/${request}`, shows: "sim-tokens-120" }),
  failed: ({ failed }) => ({ path: `/requests/${failed}`, shows: "upstream_overloaded" }),
  requests: () => ({ path: "/requests", shows: "gpt-4o" }),
  channels: () => ({ path: "/channels", shows: "simulator" }),
  spend: () => ({ path: "/spend", shows: "gpt-4o" }),
  keys: () => ({ path: "/keys", shows: "checkout service" }),
  accounts: () => ({ path: "/accounts", shows: "Acme Robotics" }),
  ledger: () => ({ path: "/ledger", role: "reader", shows: "First top-up" }),
  "audit-log": () => ({ path: "/trail", shows: "keys.create" }),
  jobs: () => ({ path: "/jobs", shows: "sim-job" }),
  webhooks: () => ({ path: "/webhooks", shows: "127.0.0.1:9" }),
  "my-key": () => ({ path: "/me", role: "owner", shows: "checkout service" }),
};

async function makeTraffic(house: House): Promise<Made> {
  const models = ["gpt-4o", "gpt-4o-mini", "sim-tokens-120", "gpt-4o", "sim-tokens-40"];
  for (let i = 0; i < 48; i++) {
    const user = ["ada", "grace", "edsger"][i % 3] ?? "";
    await house.chat(
      models[i % models.length] ?? "",
      { user },
      { "x-throughline-tags": i % 2 ? "team=search" : "beta" },
    );
  }
  for (let i = 0; i < 4; i++) await house.chat("sim-status-503");
  const { deployment, keys, admin } = house;
  const authorization = { authorization: `Bearer ${keys.owner}` };
  for (const model of ["video/sim-job-run-20", "video/sim-job-fail", "video/sim-job-stuck"]) {
    await deployment.call("/v1/videos", { model, prompt: "A river at dawn", seconds: 4 }, authorization);
  }
  const { accounts } = await admin.accounts.list.query({});
  const account = accounts.find(({ name }) => name === "Acme Robotics");
  if (account === undefined) throw new Error("the account of the house is gone");
  const url = "http://127.0.0.1:9/throughline";
  await admin.webhooks.create.mutate({ account_id: account.account_id, url, events: ["job.succeeded", "job.failed"] });
  return { request: await house.chat("sim-tokens-120", { user: "ada" }), failed: await house.chat("sim-status-503") };
}

async function take(page: Page, file: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send("Page.captureScreenshot", { format: "webp", quality: 80 });
  writeFileSync(file, Buffer.from(data, "base64"));
  await devtools.detach();
}

const { PICTURES } = process.env;

test.skipIf(PICTURES === undefined)(
  "the pictures of the console are made",
  async () => {
    await builtConsole();
    await using house = await startHouse("up", { WEBHOOK_ALLOW: "127.0.0.1" });
    const made = await makeTraffic(house);
    const browser = await startBrowser();
    try {
      for (const [name, pictureOf] of Object.entries(pictures)) {
        if (PICTURES !== "all" && PICTURES?.split(",").includes(name) !== true) continue;
        const { path, role = "operator", shows } = pictureOf(made);
        for (const scheme of ["light", "dark"] as const) {
          await using shown = await visit(browser, house.deployment.url, { scheme });
          const { page } = shown;
          await signIn(page, house.keys[role]);
          await page.goto(`${house.deployment.url}/console${path}`);
          await page.locator("#main").getByText(shows).first().waitFor({ timeout: 20_000 });
          await page.waitForLoadState("load");
          await take(page, join(folder, `${name}-${scheme}.webp`));
        }
      }
    } finally {
      await browser.close();
    }
  },
  300_000,
);
