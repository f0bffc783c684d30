import { afterAll, describe, expect, test } from "vitest";
import { createSimulator } from "../../simulator/simulator.ts";
import { startTestProvider } from "../testing-provider.ts";
import { createImageProxy } from "./image-proxy.ts";
import { chat, dataUrl, path, png, startImageServer } from "./testing-image-server.ts";

const server = await startImageServer();
const { access, at, inline, pages, refusal, seen } = server;
afterAll(() => server[Symbol.asyncDispose]());

test("one address is fetched once, and nothing of the client's goes with it", async () => {
  seen.length = 0;
  await inline(chat(at("/a.png"), at("/a.png"), at("/a.png")));
  expect(seen).toHaveLength(1);
  expect(Object.keys(seen[0]?.headers ?? {}).sort()).toEqual(["accept", "connection", "host", "user-agent"]);
});

test.each([
  ["/page", "it is not an image"],
  ["/svg", "it is not an image"],
  ["/large", "it is larger than 50000 bytes"],
  ["/endless", "it is larger than 50000 bytes"],
  ["/404", "its server answered 404"],
  ["/loop", "it is redirected more than 3 times"],
  ["/to-file", "it leads to an address that is neither http nor https"],
  ["/to-password", "its address holds a password"],
])("%s: %s", async (page, why) => expect(await refusal(at(page))).toBe(`${why}.`));

test.each(["/hangs", "/stalls"])("%s: bounded in time", async (page) => {
  expect(await refusal(at(page), { timeoutMs: 200 })).toBe("it did not come in time.");
});

test("three redirects are followed, the fourth is not", async () => {
  expect(await inline(chat(at("/hop1")))).toEqual(chat(dataUrl));
  expect(await refusal(at(`/to?${encodeURIComponent("/hop1")}`))).toContain("more than 3 times");
});

test("the pictures of one request are bounded together, and in number", async () => {
  const urls = ["/a.png?1", "/a.png?2"].map((page) => at(page));
  for (const page of ["/a.png?1", "/a.png?2"]) pages[page] = (response) => response.writeHead(200).end(png);
  await expect(inline(chat(...urls), { maxTotalBytes: 100 })).rejects.toThrow(/together larger/);
  const many = Array.from({ length: 51 }, (_, i) => at(`/a.png?${i}`));
  await expect(inline(chat(...many))).rejects.toMatchObject({
    param: "messages[0].content[50].image_url.url",
  });
});

test("a client that leaves ends the fetching", async () => {
  const proxy = createImageProxy({ maxBytes: 1_000, maxTotalBytes: 1_000, timeoutMs: 10_000, ...access });
  const leave = new AbortController();
  const inlined = proxy.inline(Buffer.from(JSON.stringify(chat(at("/hangs")))), leave.signal);
  setTimeout(() => leave.abort(new Error("left")), 50);
  await expect(inlined).rejects.toThrow("left");
  await proxy.close();
});

describe("within a provider", () => {
  const invocation = (url: string) => ({
    dialect: "openai.chat",
    body: { model: "gpt-4o", ...chat(url) },
    candidates: [{ channel: "a", model: "gpt-4o" }],
  });

  test("off by default; when on, the upstream gets the data, and a refusal reaches no upstream", async () => {
    const simulator = await createSimulator();
    const channels = { a: { adapter: "openai", baseUrl: `${simulator.url}/v1` } };
    {
      await using provider = await startTestProvider(channels, { imageAccess: access });
      expect((await provider.invoke(invocation(at("/a.png")))).error).toBeUndefined();
      expect(simulator.requests[0]?.body.toString()).toContain(at("/a.png"));
    }
    simulator.clear();
    {
      await using provider = await startTestProvider(channels, { env: { IMAGE_PROXY: "true" }, imageAccess: access });
      expect((await provider.invoke(invocation(at("/a.png")))).error).toBeUndefined();
      expect(simulator.requests[0]?.body.toString()).toContain(dataUrl);
      const { error, outcome } = await provider.invoke(invocation("http://169.254.169.254/latest/meta-data/"));
      expect(error).toMatchObject({ code: "invalid_value", param: path });
      expect(outcome.attempts).toEqual([]);
      expect(simulator.requests).toHaveLength(1);
    }
    await simulator.close();
  });
});
