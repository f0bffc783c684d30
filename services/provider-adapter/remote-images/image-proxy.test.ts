import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ThroughlineError } from "../../../shared/errors/error.ts";
import type { OutboundAccess } from "../../../shared/outbound/guard.ts";
import { createSimulator } from "../../simulator/simulator.ts";
import { startTestProvider } from "../testing-provider.ts";
import { createImageProxy, type ImageProxyOptions } from "./image-proxy.ts";

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);
const dataUrl = `data:image/png;base64,${png.toString("base64")}`;
const path = "messages[0].content[0].image_url.url";

describe("image proxy", () => {
  const seen: IncomingMessage[] = [];
  let port = 0;
  /** What the server does with a path. */
  const pages: Record<string, (response: ServerResponse) => void> = {
    "/a.png": (response) => response.writeHead(200, { "content-type": "application/octet-stream" }).end(png),
    "/page": (response) => response.writeHead(200, { "content-type": "image/png" }).end("<html></html>"),
    "/svg": (response) => response.writeHead(200, { "content-type": "image/svg+xml" }).end("<svg/>"),
    "/large": (response) => response.writeHead(200).end(Buffer.concat([png, Buffer.alloc(100_000)])),
    "/endless": (response) => {
      const pour = () => {
        while (response.write(Buffer.alloc(16_384))) if (response.destroyed) return;
      };
      response.writeHead(200).write(png);
      response.on("drain", pour);
      pour();
    },
    "/hangs": () => undefined,
    "/stalls": (response) => void response.writeHead(200).write(png.subarray(0, 10)),
    "/404": (response) => response.writeHead(404).end(),
    "/loop": (response) => response.writeHead(302, { location: "/loop" }).end(),
    "/hop1": (response) => response.writeHead(301, { location: "/hop2" }).end(),
    "/hop2": (response) => response.writeHead(307, { location: `http://public.example:${port}/hop3` }).end(),
    "/hop3": (response) => response.writeHead(308, { location: "a.png" }).end(),
    "/to-file": (response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
    "/to-password": (response) => response.writeHead(302, { location: "http://me:secret@public.example/a.png" }).end(),
  };
  const server = createServer((request, response) => {
    seen.push(request);
    const url = request.url ?? "";
    // Redirects to whatever stands behind the question mark.
    if (url.startsWith("/to?")) {
      response.writeHead(302, { location: decodeURIComponent(url.slice(4)) }).end();
    } else (pages[url] ?? pages["/404"])?.(response);
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** The server's own address counts as public; every name but these has no address. */
  const names: Record<string, readonly string[]> = {
    "public.example": ["127.0.0.1"],
    "private.example": ["10.0.0.1"],
    "mixed.example": ["127.0.0.1", "192.168.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nothing.example": [],
  };
  const access: Required<OutboundAccess> = {
    allow: ["127.0.0.1"],
    async resolve(host) {
      const found = names[host];
      if (found === undefined) throw new Error(`no such name: ${host}`);
      return found;
    },
  };

  const at = (page: string, host = "public.example") => `http://${host}:${port}${page}`;
  const chat = (...urls: string[]) => ({
    messages: [{ role: "user", content: urls.map((url) => ({ type: "image_url", image_url: { url } })) }],
  });

  async function inline(body: object, options: Partial<ImageProxyOptions> = {}) {
    const proxy = createImageProxy({
      maxBytes: 50_000,
      maxTotalBytes: 100_000,
      timeoutMs: 2_000,
      ...access,
      ...options,
    });
    try {
      const bytes = await proxy.inline(Buffer.from(JSON.stringify(body)), new AbortController().signal);
      return JSON.parse(Buffer.from(bytes).toString()) as unknown;
    } finally {
      await proxy.close();
    }
  }

  async function refusal(url: string, options: Partial<ImageProxyOptions> = {}): Promise<string> {
    const error = await inline(chat(url), options).then(
      () => undefined,
      (thrown: ThroughlineError) => thrown,
    );
    expect(error?.code).toBe("invalid_value");
    expect(error?.httpStatus).toBe(400);
    expect(error?.param).toBe(path);
    expect(error?.message).toMatch(/^messages\[0\]\.content\[0\]\.image_url\.url could not be fetched: /);
    return error?.message.split("fetched: ")[1] ?? "";
  }

  test("pictures become data in every dialect, by their bytes and not by what their server says", async () => {
    const url = at("/a.png");
    expect(await inline(chat(url, "data:image/gif;base64,R0lGOA=="))).toEqual(
      chat(dataUrl, "data:image/gif;base64,R0lGOA=="),
    );
    const image = (source: object) => ({ type: "image", source });
    const messages = (source: object) => ({
      messages: [
        { role: "user", content: "image" },
        { role: "user", content: [image(source), { type: "tool_result", tool_use_id: "t", content: [image(source)] }] },
      ],
    });
    expect(await inline(messages({ type: "url", url }))).toEqual(
      messages({ type: "base64", media_type: "image/png", data: png.toString("base64") }),
    );
    const responses = (given: string) => ({
      input: [
        { role: "user", content: [{ type: "input_image", image_url: given, detail: "high" }] },
        { type: "function_call_output", call_id: "c", output: [{ type: "input_image", image_url: given }] },
      ],
    });
    expect(await inline(responses(url))).toEqual(responses(dataUrl));
  });

  test("documents become data where they are PDFs", async () => {
    const pdf = Buffer.from("%PDF-1.7 ...");
    pages["/a.pdf"] = (response) => response.writeHead(200).end(pdf);
    const data = pdf.toString("base64");
    const messages = (source: object) => ({ messages: [{ role: "user", content: [{ type: "document", source }] }] });
    expect(await inline(messages({ type: "url", url: at("/a.pdf") }))).toEqual(
      messages({ type: "base64", media_type: "application/pdf", data }),
    );
    const responses = (part: object) => ({ input: [{ role: "user", content: [{ type: "input_file", ...part }] }] });
    expect(await inline(responses({ file_url: at("/a.pdf"), filename: "my.pdf" }))).toEqual(
      responses({ filename: "my.pdf", file_data: `data:application/pdf;base64,${data}` }),
    );
    await expect(inline(messages({ type: "url", url: at("/a.png") }))).rejects.toThrow("it is not a PDF");
  });

  /** Every place of every dialect that an upstream reads an address from. */
  const places: Readonly<Record<string, (text: string) => object>> = {
    "messages[0].content[0].image_url.url": (url) => chat(url),
    "messages[0].content[0].image_url": (image_url) => user({ type: "image_url", image_url }),
    "messages[0].content[0].video_url.url": (url) => user({ type: "video_url", video_url: { url } }),
    "messages[0].content[0].input_audio.data": (data) => user({ type: "input_audio", input_audio: { data } }),
    "messages[0].content[0].file.file_data": (file_data) => user({ type: "file", file: { file_data } }),
    "messages[0].content[0].source.url": (url) => user({ type: "image", source: { type: "url", url } }),
    "messages[0].content[0].source.data": (data) => user({ type: "image", source: { type: "base64", data } }),
    "messages[0].content[0].content[0].source.url": (url) =>
      user({ type: "tool_result", content: [{ type: "document", source: { type: "url", url } }] }),
    "messages[0].content[0].source.content[0].source.url": (url) =>
      user({
        type: "document",
        source: { type: "content", content: [{ type: "image", source: { type: "url", url } }] },
      }),
    "input[0].content[0].image_url": (image_url) => item({ content: [{ type: "input_image", image_url }] }),
    "input[0].content[0].file_url": (file_url) => item({ content: [{ type: "input_file", file_url }] }),
    "input[0].content[0].file_data": (file_data) => item({ content: [{ type: "input_file", file_data }] }),
    "input[0].output[0].image_url": (image_url) => item({ output: [{ type: "input_image", image_url }] }),
    "input[0].output.image_url": (image_url) => item({ output: { type: "computer_screenshot", image_url } }),
    "input_reference.image_url": (image_url) => ({ input_reference: { image_url } }),
    input_reference: (input_reference) => ({ input_reference }),
    "tools[0].input_image_mask.image_url": (image_url) => ({ tools: [{ type: "x", input_image_mask: { image_url } }] }),
  };
  function user(part: object): object {
    return { messages: [{ role: "user", content: [part] }] };
  }
  function item(given: object): object {
    return { input: [{ role: "user", ...given }] };
  }

  /** Addresses that some parser reads as a file, another host, or one of ours. */
  const odd = [
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "//127.0.0.1:27950/x",
    "/etc/passwd.png",
    "http:127.0.0.1/x",
    "http:/\\127.0.0.1/x",
    "http:///127.0.0.1/x",
    "http://127.0.0.1\r\nX: y/",
    "http://127.0.0.1\n/x",
    "http://127.0.0.1%00.example.com/",
    "http://127.0.0.1%2f.example.com/",
    "http://public.example\\@127.0.0.1/",
    "http://public.example@127.0.0.1/",
    "http://a:b@public.example/",
    " http://127.0.0.1/x",
    "http://127.0.0.1/x ",
    "\thttp://127.0.0.1/x",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/\u200b",
    "http://\u0000127.0.0.1/",
    "http://[::1/x",
    "http://127.0.0.1:99999/",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1/",
    "javascript:1",
    " data:image/png;base64,AAAA",
    "",
  ];

  test.each(Object.entries(places))("%s: odd addresses are refused by their path", async (param, bodyOf) => {
    seen.length = 0;
    for (const text of odd) {
      const isBase64 = /_data$|\.data$/.test(param) && /^[A-Za-z0-9/+=]*$/.test(text);
      if (isBase64) continue;
      await expect(inline(bodyOf(text)), JSON.stringify(text)).rejects.toMatchObject({ code: "invalid_value", param });
    }
    expect(seen).toHaveLength(0);
  });

  test.each(Object.entries(places))("%s: data passes as it came", async (_param, bodyOf) => {
    for (const text of [dataUrl, "DATA:image/png;base64,AAAA"])
      expect(await inline(bodyOf(text))).toEqual(bodyOf(text));
  });

  test("names that are spelled with escapes are found all the same", async () => {
    const proxy = createImageProxy({ maxBytes: 1, maxTotalBytes: 1, timeoutMs: 1, ...access });
    const text = '{"messages":[{"content":[{"im\\u0061ge_\\u0075rl":{"\\u0075rl":"file:///etc/passwd"}}]}]}';
    await expect(proxy.inline(Buffer.from(text), new AbortController().signal)).rejects.toMatchObject({ param: path });
    await proxy.close();
  });

  test("what tools take and say is not read as parts", async () => {
    const schema = { type: "object", properties: { image_url: { type: "string", default: "file:///x" } } };
    const body = {
      messages: [
        { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: { image_url: "file:///x" } }] },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: "see file:///x" }] },
      ],
      tools: [{ name: "f", input_schema: schema }],
    };
    expect(await inline(body)).toEqual(body);
  });

  test("parts within parts are gone over in proportion to them", async () => {
    const proxy = createImageProxy({ maxBytes: 1, maxTotalBytes: 1, timeoutMs: 1, ...access });
    const depth = 5_000;
    const text = `{"messages":[{"content":[${'{"content":['.repeat(depth)}{"image_url":"file:///x"}${"]}".repeat(depth)}]}]}`;
    await expect(proxy.inline(Buffer.from(text), new AbortController().signal)).rejects.toMatchObject({
      code: "invalid_value",
    });
    await proxy.close();
  });

  test("the same bytes go on where there is nothing to fetch", async () => {
    const proxy = createImageProxy({ maxBytes: 1, maxTotalBytes: 1, timeoutMs: 1, ...access });
    for (const text of ['{"messages":[]}', JSON.stringify(chat(dataUrl)), '{"image":"http://x"}', "[]", "image"]) {
      const bytes = Buffer.from(text);
      expect(await proxy.inline(bytes, new AbortController().signal)).toBe(bytes);
    }
    await proxy.close();
  });

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

  describe("no byte goes to an address that is not public", () => {
    const forms = {
      dotted: "http://10.0.0.1/a.png",
      decimal: "http://2130706434/a.png",
      hexadecimal: "http://0x7f000002/a.png",
      "hexadecimal parts": "http://0x7f.0.0.0x2/a.png",
      octal: "http://0177.0.0.02/a.png",
      short: "http://127.2/a.png",
      zero: "http://0/a.png",
      "full width digits": "http://１２７.0.0.2/a.png",
      "a dot at its end": "http://127.0.0.2./a.png",
      "loopback of IPv6": "http://[::1]/a.png",
      "mapped into IPv6": "http://[::ffff:127.0.0.2]/a.png",
      "mapped, in hexadecimal": "http://[::ffff:7f00:2]/a.png",
      "compatible IPv6": "http://[::127.0.0.2]/a.png",
      NAT64: "http://[64:ff9b::7f00:2]/a.png",
      metadata: "http://169.254.169.254/latest/meta-data/",
      "metadata of IPv6": "http://[fd00:ec2::254]/latest/meta-data/",
      "a private name": "http://private.example/a.png",
      "a name with one private address": "http://mixed.example/a.png",
      "a name with a mapped address": "http://mapped.example/a.png",
      "a name without an address": "http://nothing.example/a.png",
      "a name that is not there": "http://missing.example/a.png",
      localhost: "http://localhost/a.png",
      TLS: "https://10.0.0.1/a.png",
    };
    const withPort = (url: string) => url.replace(/^(https?:\/\/[^/]+)/, `$1:${port}`);

    test.each(Object.entries(forms))("%s", async (_form, url) => {
      seen.length = 0;
      expect(await refusal(withPort(url))).toBe("its host has no public address.");
      expect(seen).toHaveLength(0);
    });

    // A header holds no full width digits.
    const ascii = Object.entries(forms).filter(([, url]) => /^[\x20-\x7e]+$/.test(url));
    test.each(ascii)("redirected to: %s", async (_form, url) => {
      seen.length = 0;
      expect(await refusal(at(`/to?${encodeURIComponent(withPort(url))}`))).toBe("its host has no public address.");
      expect(seen).toHaveLength(1);
    });

    test("a name is resolved once for each hop, and the socket goes where the answer said (DNS rebinding)", async () => {
      const asked: string[] = [];
      const answers = [["127.0.0.1"], ["10.0.0.1"]];
      const resolve = async (host: string) => {
        asked.push(host);
        return answers[asked.length - 1] ?? [];
      };
      expect(await inline(chat(at("/a.png", "turns.example")), { resolve })).toEqual(chat(dataUrl));
      expect(asked).toEqual(["turns.example"]);
      asked.length = 0;
      const again = at(`/to?${encodeURIComponent(at("/a.png", "turns.example"))}`, "turns.example");
      expect(await refusal(again, { resolve })).toBe("its host has no public address.");
      expect(asked).toEqual(["turns.example", "turns.example"]);
    });

    test("without the test's leave the test's own server is out of reach", async () => {
      seen.length = 0;
      expect(await refusal(at("/a.png"), { allow: [] })).toBe("its host has no public address.");
      expect(await refusal(at("/a.png", "127.0.0.1"), { allow: [] })).toBe("its host has no public address.");
      expect(seen).toHaveLength(0);
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
});
