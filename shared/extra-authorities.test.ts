import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Agent, fetch } from "undici";
import { expect, onTestFinished, test, vi } from "vitest";
import { followExtraAuthorities } from "./extra-authorities.ts";
import { createCertificates } from "./rpc/testing-certificates.ts";

test("new connections trust what the file holds now; a file that cannot be used changes nothing and is told once", async () => {
  const before = getCACertificates("default");
  onTestFinished(() => setDefaultCACertificates(before));
  const certificates = createCertificates();
  onTestFinished(() => certificates.remove());
  const file = certificates.file("extra.pem");
  const [old, next] = [certificates.authority("old-ca"), certificates.authority("next-ca")];
  const serving = async (by: string) => {
    const { certificateFile, privateKeyFile } = certificates.issue(`of-${by}`, { by, names: "DNS:localhost" });
    const pair = { cert: readFileSync(certificateFile), key: readFileSync(privateKeyFile) };
    const server = createServer(pair, (_request, response) => response.end()).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await vi.waitFor(() => expect(server.listening).toBe(true));
    return `https://localhost:${(server.address() as AddressInfo).port}`;
  };
  const [ofOld, ofNext] = [await serving("old-ca"), await serving("next-ca")];
  /** Over a connection of its own, as a provider makes them. */
  const trusts = async (url: string): Promise<boolean> => {
    await using dispatcher = Object.assign(new Agent(), { [Symbol.asyncDispose]: () => dispatcher.close() });
    const connected = fetch(url, { dispatcher }).then((response) => response.text());
    return await connected.then(
      () => true,
      () => false,
    );
  };
  const lines: string[] = [];
  const log = {
    info: (_: object, text: string) => void lines.push(text),
    warn: (_: object, text: string) => void lines.push(text),
  };
  const told = { read: expect.stringContaining("was read again"), broken: expect.stringContaining("cannot be used") };

  const stop = followExtraAuthorities(file, { log: log as never, lookEveryMs: 10 });
  onTestFinished(stop);
  expect(lines).toEqual([told.broken]);
  expect([await trusts(ofOld), await trusts(ofNext)]).toEqual([false, false]);
  copyFileSync(old, file);
  await vi.waitFor(() => expect(lines).toHaveLength(2));
  expect([await trusts(ofOld), await trusts(ofNext)]).toEqual([true, false]);
  writeFileSync(file, "half a certifi");
  await vi.waitFor(() => expect(lines).toHaveLength(3));
  expect([await trusts(ofOld), await trusts(ofNext)]).toEqual([true, false]);
  copyFileSync(next, file);
  await vi.waitFor(() => expect(lines).toHaveLength(4));
  expect([await trusts(ofOld), await trusts(ofNext)]).toEqual([false, true]);
  expect(lines).toEqual([told.broken, told.read, told.broken, told.read]);
});
