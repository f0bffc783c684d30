import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publishedPage, publishedPictures } from "./docs.ts";
import { help } from "./options.ts";
import { root } from "./subjects/ground.ts";

const page = readFileSync(join(root, "docs/performance.md"), "utf8");

// To mend both: npm run bench -- --draw
test("docs/performance.md shows the published numbers", () => {
  expect(page).toBe(publishedPage(page));
});

test("the pictures are those of the published numbers", async () => {
  const pictures = await publishedPictures();
  expect(pictures).not.toEqual([]);
  for (const [file, svg] of pictures)
    expect(readFileSync(join(root, "docs/performance", file), "utf8"), file).toBe(svg);
});

test("every option that the page names is one of the bench", () => {
  const named = new Set(
    [...page.matchAll(/npm run bench -- (--[^#\n`]*)/g)].flatMap(([, all = ""]) => all.match(/--[a-z]+/g) ?? []),
  );
  expect(named.size).toBeGreaterThan(4);
  for (const option of named) expect(help).toContain(option);
});
