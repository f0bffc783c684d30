import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chromiumPath, expectAccessible, noBrowser, signIn, startBrowser, visit } from "./browser.ts";
import { builtConsole, type House, startHouse } from "./house.ts";

describe.skipIf(chromiumPath === undefined)(`the console${chromiumPath === undefined ? `, ${noBrowser}` : ""}`, () => {
  let house: House;
  let browser: Browser;

  beforeAll(async () => {
    await builtConsole();
    [house, browser] = await Promise.all([startHouse("up"), startBrowser()]);
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await house?.[Symbol.asyncDispose]();
  }, 60_000);

  test("lets in who has a key, keeps it in the tab alone, and forgets it on the way out", async () => {
    const { url } = house.deployment;
    await using first = await visit(browser, url);
    const { page } = first;
    await page.getByRole("button", { name: "Sign in" }).click();
    expect(await page.getByText("Enter a key.").count()).toBe(1);
    await page.getByLabel("Key", { exact: true }).fill("tl-wrong");
    await page.keyboard.press("Enter");
    await page.getByText("The gateway does not know this key.").waitFor();
    await expectAccessible(page, "sign-in");

    await signIn(page, house.keys.owner);
    await page.getByText("checkout service").waitFor();
    expect(await first.context.cookies()).toEqual([]);
    expect(await page.evaluate("JSON.stringify(localStorage)")).not.toContain(house.keys.owner);
    expect(await page.evaluate("sessionStorage.length")).toBe(1);
    await page.reload();
    await page.getByText("checkout service").waitFor();
    const other = await first.context.newPage();
    await other.goto(`${url}/console/me`);
    await other.getByLabel("Key", { exact: true }).waitFor();

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Key", { exact: true }).waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);
    expect(first.complaints).toEqual([]);
  });

  test.each([
    ["light", false, "en-US", "My key"],
    ["dark", false, "zh-CN", "我的密钥"],
    ["dark", true, "en-US", "My key"],
  ] as const)("shows a key to its owner: %s, phone %s, %s", async (scheme, phone, locale, name) => {
    await using shown = await visit(browser, house.deployment.url, { scheme, phone, locale });
    const { page } = shown;
    await signIn(page, house.keys.owner);
    if (phone) await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { name: "checkout service" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe(locale.slice(0, 2));
    await expectAccessible(page, `my key, ${scheme}`);
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    expect(shown.complaints).toEqual([]);
  });

  test("goes on by itself when a gateway that was away is back", async () => {
    await using shown = await visit(browser, house.deployment.url);
    const { page } = shown;
    await signIn(page, house.keys.owner);
    await page.getByRole("link", { name: "My key" }).click();
    await page.getByRole("heading", { name: "checkout service" }).waitFor();
    await page.route(/\/trpc\/|\/console$/, (route) => route.abort("connectionrefused"));
    await page.getByText("The gateway is away. This page goes on by itself when it is back.").waitFor();
    await page.getByRole("heading", { name: "checkout service" }).waitFor();
    await page.unroute(/\/trpc\/|\/console$/);
    await page.getByText("The gateway is away.").waitFor({ state: "detached" });
    expect(shown.complaints).toEqual([]);
  });

  test("an address that leads nowhere says so", async () => {
    await using shown = await visit(browser, house.deployment.url);
    await signIn(shown.page, house.keys.owner);
    await shown.page.goto(`${house.deployment.url}/console/nowhere/at/all`);
    await shown.page.getByRole("heading", { name: "There is no such page" }).waitFor();
  });
});
