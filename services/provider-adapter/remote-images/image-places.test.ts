import { afterAll, expect, test } from "vitest";
import { createImageProxy } from "./image-proxy.ts";
import { chat, dataUrl, path, png, startImageServer } from "./testing-image-server.ts";

const server = await startImageServer();
const { access, at, inline, pages, seen } = server;
afterAll(() => server[Symbol.asyncDispose]());

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
  for (const text of [dataUrl, "DATA:image/png;base64,AAAA"]) expect(await inline(bodyOf(text))).toEqual(bodyOf(text));
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
