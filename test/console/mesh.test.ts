import { expect, test } from "vitest";
import { chromiumPath, noBrowser, signIn, startBrowser, visit } from "./browser.ts";
import { builtConsole, startHouse } from "./house.ts";

/* The console over six processes, of which the gateway is killed and comes back. */

test.skipIf(chromiumPath === undefined)(
  `the console works over a mesh, and goes on when its gateway was killed${chromiumPath === undefined ? `, ${noBrowser}` : ""}`,
  async () => {
    await builtConsole();
    await using house = await startHouse("mesh");
    const browser = await startBrowser();
    try {
      const id = await house.chat("sim-status-500");
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.operator);
      const box = page.getByLabel("Any ID");
      await box.fill(id);
      await page.keyboard.press("Enter");
      await page.getByText("Every candidate upstream failed").waitFor();
      for (const name of ["Requests", "Channels", "Spend", "Ledger", "Keys", "Jobs", "Webhooks", "Audit log"]) {
        await page.getByRole("link", { name, exact: true }).click();
        await page.getByRole("heading", { level: 1, name }).waitFor();
        await page.locator(".skeleton").first().waitFor({ state: "detached" });
        expect([name, await page.locator(".failure").count()]).toEqual([name, 0]);
      }
      expect(shown.complaints).toEqual([]);
      process.kill(house.deployment.pid("gateway"), "SIGKILL");
      // The page asks for the key anew when it is opened, and so meets no gateway.
      await page.getByRole("link", { name: "My key" }).click();
      await page.getByText("The gateway is away.").waitFor();
      await page.getByText("The gateway is away.").waitFor({ state: "detached", timeout: 20_000 });
      await page.getByRole("heading", { name: "administration" }).waitFor();
    } finally {
      await browser.close();
    }
  },
  120_000,
);
