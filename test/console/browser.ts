import { accessSync, constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { expect } from "vitest";

/** The browser of this machine; undefined: there is none, so that what needs one is skipped. */
export const chromiumPath = ["chromium", "chromium-browser", "google-chrome"]
  .flatMap((name) => (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name)))
  .find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Why tests are skipped where there is no browser. */
export const noBrowser = "skipped: there is no chromium here (apt-get install chromium)";

/** Starts the browser. It is told to reach no host but this machine. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
    args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
}

/** How a page is looked at. */
export interface Look {
  readonly scheme?: "light" | "dark";
  readonly phone?: boolean;
  readonly locale?: string;
}

/** A page, and what it complained of. */
export interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of scripts, and lines that the browser wrote as errors: broken policies among them. */
  readonly complaints: readonly string[];
}

/** Opens the console. */
export async function visit(
  browser: Browser,
  url: string,
  { scheme = "light", phone = false, locale = "en-US" }: Look = {},
): Promise<Visit> {
  const context = await browser.newContext({
    colorScheme: scheme,
    locale,
    timezoneId: "Europe/Berlin",
    reducedMotion: "reduce",
    viewport: phone ? { width: 390, height: 844 } : { width: 1360, height: 860 },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    // A refusal is told to the page, which shows it.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(`${url}/console`);
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** Signs in with a key, and waits for the first screen. */
export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel(/^(Key|密钥)$/).fill(key);
  await page.getByRole("button", { name: /^(Sign in|登录)$/ }).click();
  await page.locator("#main").waitFor();
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Fault {
  readonly id: string;
  readonly impact: string | null | undefined;
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[];
}

/** Expects that axe-core finds no serious fault on the page as it is. */
export async function expectAccessible(page: Page, where: string): Promise<void> {
  // Through the debugger, since the page's own policy lets in no script. It stays until the page is loaded anew.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(await axe);
  const faults = await page.evaluate<readonly Fault[]>(
    "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  const serious = faults
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => ({
      id,
      at: nodes.slice(0, 5).map(({ target, failureSummary }) => [target, failureSummary]),
    }));
  expect(serious, where).toEqual([]);
}
