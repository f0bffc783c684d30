import type { Browser } from "playwright-core";
import { describe, expect, test } from "vitest";
import { eventually } from "../e2e/deployment.ts";
import { expectAccessible, signIn, visit } from "./browser.ts";
import type { House } from "./house.ts";

/** Screens that each kind of key sees, and some that it does not. */
const screens = {
  reader: {
    sees: ["Find", "Requests", "Spend", "Ledger", "Keys", "Accounts", "My key"],
    lacks: ["Channels", "Audit log"],
  },
  owner: {
    sees: ["Find", "Requests", "Spend", "My key"],
    lacks: ["Channels", "Keys", "Accounts", "Ledger", "Audit log"],
  },
  operator: {
    sees: ["Find", "Requests", "Channels", "Spend", "Ledger", "Keys", "Accounts", "Audit log", "My key"],
    lacks: [],
  },
} as const;

/** Screens that observe, and every screen by each kind of key. */
export function observeTests(given: () => { readonly house: House; readonly browser: Browser }): void {
  describe("what is observed", () => {
    test("lists requests as they come, by filters that stand in the address", async () => {
      const { url } = given().house.deployment;
      await given().house.chat("gpt-4o");
      const failed = await given().house.chat("sim-status-500", {}, { "x-throughline-tags": "alpha" });
      await given().house.chat("sim-status-500");
      await using shown = await visit(given().browser, url);
      const { page } = shown;
      await signIn(page, given().house.keys.reader);
      await page.getByRole("link", { name: "Requests" }).click();
      await page.locator(`a[href$="/requests/${failed}"]`).waitFor();
      await expectAccessible(page, "requests");
      const fresh = await given().house.chat("gpt-4o-mini");
      await page.locator(`a[href$="/requests/${fresh}"]`).waitFor();

      await page.getByLabel("Status").selectOption("failed");
      await page.locator(`a[href$="/requests/${fresh}"]`).waitFor({ state: "detached" });
      await page.getByLabel("Model").fill("no-such-model");
      await page.keyboard.press("Enter");
      await page.getByText("Nothing matches these filters.").waitFor();
      expect(new URL(page.url()).search).toBe("?status=failed&model=no-such-model");
      await page.goBack();
      // The chart is about what the filters leave, as the list is.
      await page.getByLabel("Tag").fill("alpha");
      await page.keyboard.press("Enter");
      await page.getByRole("img", { name: "1 in the last hour" }).waitFor();
      await page.locator(`a[href$="/requests/${failed}"]`).click();
      await page.getByText("Every candidate upstream failed").waitFor();
      expect(shown.complaints).toEqual([]);
    });

    test("a channel that refuses every request is never shown as healthy, also once nothing is asked of it", async () => {
      const { house, browser } = given();
      const { channels } = await house.admin.channels.list.query();
      const { base_url = "", adapter = "" } = channels.find(({ name }) => name === "simulator") ?? {};
      const models = [{ model: "sim-at-its-limit", upstream_model: "sim-status-429" }];
      const channel = { name: "at-its-limit", adapter, base_url, models };
      await house.admin.channels.put.mutate({ channel, new_credential: "sk-test" });
      await eventually(async () => {
        await house.chat("sim-at-its-limit");
        const told = (await house.admin.channels.list.query()).channels.find(({ name }) => name === channel.name);
        return told?.health?.last_failure ?? undefined;
      });
      await using shown = await visit(browser, house.deployment.url);
      const { page } = shown;
      await signIn(page, house.keys.operator);
      await page.getByRole("link", { name: "Channels" }).click();
      const row = page.getByRole("row", { name: /at-its-limit/ });
      await row.getByText("limited").waitFor();
      await row.getByText("429 upstream_overloaded").waitFor();
      await expectAccessible(page, "channels");
      await house.admin.channels.delete.mutate({ name: "at-its-limit" });
      expect(shown.complaints).toEqual([]);
    });

    test.each(["owner", "operator"] as const)("spending by tag adds up to what was charged: %s", async (role) => {
      await given().house.chat("gpt-4o", {}, { "x-throughline-tags": `blue-${role},green-${role}` });
      await using shown = await visit(given().browser, given().house.deployment.url);
      const { page } = shown;
      await signIn(page, given().house.keys[role]);
      await page.getByRole("link", { name: "Spend" }).click();
      const requests = page.locator(".figure", { hasText: "Requests" }).locator(".figure-value");
      await page.getByRole("button", { name: "tag", exact: true }).click();
      await page.getByRole("row", { name: new RegExp(`^green-${role} \\$`) }).waitFor({ timeout: 60_000 });
      await expect.poll(async () => Number(await requests.textContent())).toBeGreaterThan(0);
      const byTag = await requests.textContent();
      await page.getByRole("button", { name: "model", exact: true }).click();
      await page.getByRole("row", { name: /^gpt-4o \$/ }).waitFor();
      expect(await requests.textContent()).toBe(byTag);
      expect(shown.complaints).toEqual([]);
    });

    test.each(["operator", "owner"] as const)("spending by end user comes in pages that add up: %s", async (role) => {
      const people = 105;
      for (let from = 0; from < people; from += 15) {
        const some = Array.from({ length: 15 }, (_, at) =>
          given().house.chat("gpt-4o", { user: `person-${from + at}` }),
        );
        await Promise.all(some);
      }
      await using shown = await visit(given().browser, given().house.deployment.url);
      const { page } = shown;
      await signIn(page, given().house.keys[role]);
      await page.goto(`${given().house.deployment.url}/console/spend?by=user`);
      const figure = page.locator(".figure", { hasText: "Requests" }).locator(".figure-value");
      const rows = page.locator(".table.wide tbody tr");
      const last = page.locator("tfoot tr");
      const numberOf = (text: string | null) => Number((text ?? "").replaceAll(",", ""));
      const requestsOf = async () => {
        const cells = await page.locator(".table.wide tr td:nth-child(4)").allTextContents();
        return cells.reduce((sum, text) => sum + numberOf(text), 0);
      };
      // A screen is read again every 30 s.
      const addsUp = () =>
        expect
          .poll(async () => (await requestsOf()) - numberOf(await figure.textContent()), { timeout: 70_000 })
          .toBe(0);
      await expect.poll(() => rows.count(), { timeout: 70_000 }).toBe(100);
      await last.getByText(/^\d+ more$/).waitFor({ timeout: 70_000 });
      await addsUp();
      await page.getByRole("button", { name: "More", exact: true }).click();
      await last.waitFor({ state: "detached" });
      await expect.poll(() => rows.count()).toBeGreaterThan(people - 1);
      await addsUp();
      await expectAccessible(page, "spending by end user");
      expect(shown.complaints).toEqual([]);
    });

    test("shows a hundred thousand requests, of which only those in sight are made", async () => {
      const id = await given().house.chat("gpt-4o");
      const { requests } = await eventually(async () => {
        const page = await given().house.admin.requests.list.query({ filter: { id_text: id } });
        return page.requests.length === 1 ? page : undefined;
      });
      const pageRows = 25_000;
      await using shown = await visit(given().browser, given().house.deployment.url);
      const { page } = shown;
      let pages = 0;
      await page.route(/\/trpc\/.*requests\.list/, async (route) => {
        const from = pages * pageRows;
        pages += 1;
        const text = JSON.stringify({ ...requests[0], billing: { ...requests[0]?.billing, rates: [] } });
        const rows = Array.from({ length: pageRows }, (_, index) =>
          text.replaceAll(id, String(900_000_000 - from - index)),
        );
        const body = `{"requests":[${rows.join(",")}],"details":[],"next_cursor":${pages === 4 ? "null" : `"${pages}"`}}`;
        const calls = (route.request().url().split("?")[0]?.split("/trpc/")[1] ?? "").split(",");
        const answers = calls.map((call) => (call === "requests.list" ? `{"result":{"data":${body}}}` : "{}"));
        await route.fulfill({ contentType: "application/json", body: `[${answers.join(",")}]` });
      });
      await signIn(page, given().house.keys.reader);
      await page.goto(`${given().house.deployment.url}/console/requests`);
      const list = page.getByRole("region", { name: "Requests" });
      await list.waitFor();
      const countOf = () => page.locator(".figure-value").first().textContent();
      for (const count of ["25,000", "50,000", "75,000", "100,000"]) {
        await expect.poll(countOf, { timeout: 10_000 }).toBe(count);
        expect(await page.getByRole("row").count()).toBeLessThan(80);
        await page.evaluate("document.querySelector('.grid').scrollTop = 1e9");
      }
      await page.locator(`a[href$="/requests/${900_000_000 - 99_999}"]`).waitFor();
      expect(await page.getByRole("row").count()).toBeLessThan(80);
      expect(pages).toBe(4);
    }, 60_000);

    test.each([
      ["reader", "light", false],
      ["owner", "dark", true],
      ["operator", "light", true],
    ] as const)(
      "every screen of a key is there and accessible: %s, %s, phone %s",
      async (role, scheme, phone) => {
        await using shown = await visit(given().browser, given().house.deployment.url, { scheme, phone });
        const { page } = shown;
        await signIn(page, given().house.keys[role]);
        const menu = page.getByRole("button", { name: "Menu" });
        if (phone) await menu.click();
        const links = page.getByRole("navigation").getByRole("listitem");
        await links.first().waitFor();
        const names = (await links.allTextContents()).map((text) => text.trim());
        expect(names).toEqual(expect.arrayContaining([...screens[role].sees]));
        for (const name of screens[role].lacks) expect(names).not.toContain(name);
        for (const name of names) {
          if (phone && (await menu.getAttribute("aria-expanded")) === "false") await menu.click();
          await links.getByRole("link", { name, exact: true }).click();
          await page.locator("h1").waitFor();
          await page.locator(".skeleton").first().waitFor({ state: "detached" });
          expect([name, await page.locator(".failure").count()]).toEqual([name, 0]);
          await expectAccessible(page, `${name} of ${role}, ${scheme}`);
          expect([name, await page.evaluate("document.documentElement.scrollWidth <= innerWidth")]).toEqual([
            name,
            true,
          ]);
        }
        expect(shown.complaints).toEqual([]);
      },
      60_000,
    );

    test("what a key may not see says so, also by its address", async () => {
      await using shown = await visit(given().browser, given().house.deployment.url);
      await signIn(shown.page, given().house.keys.owner);
      for (const path of ["channels", "keys", "ledger", "trail", "accounts"]) {
        await shown.page.goto(`${given().house.deployment.url}/console/${path}`);
        await shown.page.getByRole("heading", { name: "This key may not see this page" }).waitFor();
      }
      expect(shown.complaints).toEqual([]);
    });
  });
}
