import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectAccessible, signIn, visit } from "./browser.ts";
import type { House } from "./house.ts";

/** Screens that manage something: by each role, in both colours, and what is done there is done. */
export function manageTests(given: () => { readonly house: House; readonly browser: Browser }): void {
  describe("what is managed", () => {
    test("a key is made, changed, rotated and revoked, and its secret is shown once", async () => {
      const { house, browser } = given();
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.operator);
      await page.getByRole("link", { name: "Keys" }).click();
      await page.getByRole("button", { name: "Make a key" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByLabel("Name").fill("from the console");
      await dialog.getByLabel("Account").selectOption({ label: "Acme Robotics" });
      await dialog.getByLabel("May use").fill("chat, nonsense");
      await dialog.getByLabel("Requests a minute").fill("30");
      await expectAccessible(page, "a form");
      await dialog.getByRole("button", { name: "Make a key" }).click();
      await dialog.getByText("unknown scope").waitFor();
      await dialog.getByLabel("May use").fill("chat");
      // A second click makes no second key: there would be two rows of its name.
      await dialog.getByRole("button", { name: "Make a key" }).dblclick();
      const secret = (await dialog.locator("pre").textContent()) ?? "";
      expect(secret).toMatch(/^tl-[A-Za-z0-9]{43}$/);
      const me = () =>
        house.deployment.call("/v1/me", undefined, { authorization: `Bearer ${secret}` }).then(({ status }) => status);
      expect(await me()).toBe(200);
      await page.keyboard.press("Escape");
      const row = page.getByRole("row", { name: /from the console/ });
      await row.getByText("30 of 30/min").waitFor();
      await row.getByText("$50.00 left").waitFor();
      expect(await page.content()).not.toContain(secret);

      await row.getByRole("button", { name: /^Change/ }).click();
      await dialog.getByLabel("Budget a day (USD)").fill("2.50");
      await dialog.getByRole("button", { name: "Change" }).click();
      await row.getByText("$2.50 of $2.50 a day").waitFor();

      await row.getByRole("button", { name: /^Rotate/ }).click();
      await dialog.getByLabel("Overlap in hours").fill("1");
      await dialog.getByRole("button", { name: "Rotate" }).click();
      expect(await dialog.locator("pre").textContent()).not.toBe(secret);
      await dialog.getByRole("button", { name: "Close" }).click();
      expect(await me()).toBe(200);

      await row.getByRole("button", { name: /^Revoke/ }).click();
      await dialog.getByRole("button", { name: "Revoke" }).click();
      await row.getByText("revoked").waitFor();
      expect(await row.getByRole("button").count()).toBe(0);

      await page.getByRole("link", { name: "Audit log" }).click();
      await page.getByLabel("Procedure").fill("keys.revoke");
      await page.getByText("asked for").first().waitFor();
      await page.locator(".badge.good", { hasText: "done" }).first().waitFor();
      expect(await page.content()).not.toContain(secret);
      expect(shown.complaints).toEqual([]);
    });

    test("the owner of a key rotates it, and the page goes on with the new secret, though the old one was refused meanwhile", async () => {
      const { house, browser } = given();
      const { account_id } = await house.admin.accounts.get.query({ name: "Acme Robotics" });
      const made = await house.admin.keys.create.mutate({ account_id, name: "rotates itself", scopes: ["chat"] });
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, made.secret);
      await page.getByRole("link", { name: "My key" }).click();
      await page.getByRole("button", { name: "Rotate" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("This page goes on with the new secret.").waitFor();
      await dialog.getByLabel("Overlap in hours").fill("0");
      await expectAccessible(page, "rotation of the own key");
      // The answer is held back until a poll was refused: by then the old secret has ended.
      await page.route(/me\.rotate/, async (route) => {
        const answer = await route.fetch();
        await page.waitForResponse((response) => response.status() === 401);
        await route.fulfill({ response: answer });
      });
      await dialog.getByRole("button", { name: "Rotate" }).click();
      const secret = (await dialog.locator("pre").textContent()) ?? "";
      expect(secret).toMatch(/^tl-[A-Za-z0-9]{43}$/);
      // A browser may refuse its newer interface to a page; what is selected can be copied all the same.
      await shown.context.clearPermissions();
      await shown.context.grantPermissions([]);
      await dialog.getByRole("button", { name: "Copy the secret" }).click();
      await dialog.getByText("Copied").waitFor({ state: "attached" });
      await shown.context.grantPermissions(["clipboard-read", "clipboard-write"]);
      expect(await page.evaluate("navigator.clipboard.readText()")).toBe(secret);
      await page.keyboard.press("Escape");
      await page.getByText(`${secret.slice(0, 9)}…`).waitFor();
      await page.reload();
      await page.getByRole("heading", { name: "rotates itself" }).waitFor();
      expect(await page.content()).not.toContain(secret);
      const status = async (key: string) =>
        (await house.deployment.call("/v1/me", undefined, { authorization: `Bearer ${key}` })).status;
      expect([await status(made.secret), await status(secret)]).toEqual([401, 200]);
      expect(shown.complaints).toEqual([]);
    });

    test("an account gets credit once, however often the button is pressed, and the ledger is proved", async () => {
      const { house, browser } = given();
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.operator);
      await page.getByRole("link", { name: "Accounts" }).click();
      const dialog = page.getByRole("dialog");
      await page.getByRole("button", { name: "Make an account" }).click();
      await dialog.getByLabel("Name").fill("Made in the console");
      await dialog.getByRole("button", { name: "Make an account" }).click();
      const row = page.getByRole("row", { name: /Made in the console/ });
      await row.getByText("$0.00").first().waitFor();
      for (const _ of [1, 2]) {
        await row.getByRole("button", { name: /^Add credit/ }).click();
        await dialog.getByLabel("Amount (USD)").fill("12.50");
        await dialog.getByLabel("Reason").fill("Invoice 18");
        await dialog.getByLabel("Reference").fill("invoice-18");
        await dialog.getByRole("button", { name: "Add credit" }).click();
        await row.getByText("$12.50").waitFor();
        await dialog.waitFor({ state: "detached" });
      }
      await page.getByRole("link", { name: "Ledger" }).click();
      await page.getByLabel("Account").selectOption({ label: "Made in the console" });
      await page.getByText("invoice-18").waitFor();
      expect(await page.getByText("invoice-18").count()).toBe(1);
      await page.getByRole("button", { name: "Audit now" }).click();
      await page.getByRole("status").getByText("sound", { exact: true }).waitFor({ timeout: 20_000 });
      expect(shown.complaints).toEqual([]);
    });

    test("a job is seen to run, and is cancelled by its owner", async () => {
      const { house, browser } = given();
      const authorization = `Bearer ${house.keys.owner}`;
      const begun = await house.deployment.call(
        "/v1/videos",
        { model: "video/sim-job-stuck", prompt: "A lighthouse", seconds: 4 },
        { authorization },
      );
      expect(begun.status).toBe(200);
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.owner);
      await page.getByRole("link", { name: "Jobs" }).click();
      const row = page.getByRole("row", { name: /video\/sim-job-stuck/ });
      await row.getByRole("button", { name: /^Cancel/ }).click();
      await row.getByText("cancelled").waitFor();
      await row.getByRole("link").click();
      await page.getByRole("heading", { name: "video/sim-job-stuck" }).waitFor();
      expect(shown.complaints).toEqual([]);
    });

    test("a webhook is made, tried, switched off and removed, and its deliveries are seen and sent again", async () => {
      const { house, browser } = given();
      const heard: string[] = [];
      const receiver = createServer((request, response) => {
        heard.push(String(request.headers["webhook-id"]));
        request.resume().on("end", () => response.end());
      });
      receiver.listen(0, "127.0.0.1");
      await once(receiver, "listening");
      onTestFinished(() => void receiver.close());
      const { port } = receiver.address() as AddressInfo;
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.operator);
      await page.getByRole("link", { name: "Webhooks" }).click();
      const dialog = page.getByRole("dialog");
      await page.getByRole("button", { name: "Make a webhook" }).click();
      await dialog.getByLabel("Address").fill(`http://127.0.0.1:${port}/hook`);
      await dialog.getByRole("button", { name: "Make a webhook" }).click();
      expect(await dialog.locator("pre").textContent()).toMatch(/^whsec_/);
      await dialog.getByRole("button", { name: "Close" }).click();
      const row = page.getByRole("row", { name: /all|\*/ }).filter({ hasText: "/hook" });
      await row.getByRole("button", { name: /^Send a test/ }).click();
      const delivery = page.getByRole("row", { name: /webhook.test/ });
      await delivery.getByText("delivered").waitFor();
      await delivery.getByRole("button", { name: /^Send again/ }).click();
      await expect.poll(() => heard.length, { timeout: 10_000 }).toBe(2);
      expect(new Set(heard).size).toBe(1);
      await row.getByRole("button", { name: /^Switch off/ }).click();
      await row.getByText("off", { exact: true }).waitFor();
      await row.getByRole("button", { name: /^Switch on/ }).click();
      await row.getByText("on", { exact: true }).waitFor();
      await expectAccessible(page, "webhooks");
      await row.getByRole("button", { name: /^Remove/ }).click();
      await dialog.getByRole("button", { name: "Remove" }).click();
      await row.waitFor({ state: "detached" });
      await house.admin.webhooks.create.mutate({ url: "http://127.0.0.1:9/kept", events: ["alert.*"] });
      expect(shown.complaints).toEqual([]);
    });

    test("who reads an account sees its keys and its ledger alone, and no button", async () => {
      const { house, browser } = given();
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.reader);
      await page.getByRole("link", { name: "Keys" }).click();
      await page.getByText("checkout service").waitFor();
      expect(await page.getByRole("button", { name: /Make|Rotate|Revoke|Change/ }).count()).toBe(0);
      expect(await page.getByRole("link", { name: "Audit log" }).count()).toBe(0);
      await page.goto(`${house.deployment.url}/console/trail`);
      await page.getByRole("heading", { name: "This key may not see this page" }).waitFor();
      await page.goto(`${house.deployment.url}/console/accounts`);
      await page.getByRole("row", { name: /Acme Robotics/ }).waitFor();
      expect(await page.getByRole("row").count()).toBe(2);
      expect(shown.complaints).toEqual([]);
    });
  });
}
