import { afterAll, describe, expect, test } from "vitest";
import { chat, dataUrl, startImageServer } from "./testing-image-server.ts";

const server = await startImageServer();
const { at, inline, port, refusal, seen } = server;
afterAll(() => server[Symbol.asyncDispose]());

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
