import { copyFileSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { watchCertificate } from "./certificate-watch.ts";
import { createCertificates } from "./rpc/testing-certificates.ts";

test("the end of the certificate is told beforehand, and again until it is renewed", async () => {
  const certificates = createCertificates();
  onTestFinished(() => certificates.remove());
  certificates.authority("ca");
  const soon = certificates.issue("soon", { by: "ca", names: "DNS:x", days: 13 });
  const later = certificates.issue("later", { by: "ca", names: "DNS:x", days: 15 });
  const ended = certificates.issue("ended", { by: "ca", names: "DNS:x", days: -1 });
  const live = certificates.issue("live", { by: "ca", names: "DNS:x" });
  const lay = (pair: typeof live) => {
    copyFileSync(pair.privateKeyFile, live.privateKeyFile);
    copyFileSync(pair.certificateFile, live.certificateFile);
  };
  lay(soon);
  const lines: string[] = [];
  const log = {
    info: (_: object, text: string) => void lines.push(`info ${text}`),
    warn: (_: object, text: string) => void lines.push(`warn ${text}`),
  };
  const watch = watchCertificate(live, { log: log as never, lookEveryMs: 10, warnEveryMs: 10 });
  onTestFinished(() => watch.stop());
  const warned = "warn the certificate of this process ends soon: renew it";
  await vi.waitFor(() => expect(lines.filter((line) => line === warned).length).toBeGreaterThan(1));
  expect(watch.endsUnixS()).toBeCloseTo(Date.now() / 1_000 + 13 * 86_400, -3);

  lay(later);
  const renewed = "info the files of TLS were read again: new connections use them";
  await vi.waitFor(() => expect(lines.at(-1)).toBe(renewed));
  expect(watch.endsUnixS()).toBeCloseTo(Date.now() / 1_000 + 15 * 86_400, -3);
  writeFileSync(live.certificateFile, "half a certifi");
  await vi.waitFor(() =>
    expect(lines.at(-1)).toBe("warn the new certificate cannot be used; the old one stays in use"),
  );
  // One line a minute, and nothing of a certificate that is good.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(lines.filter((line) => line.includes("cannot be used"))).toHaveLength(1);

  lay(ended);
  await vi.waitFor(() => expect(lines.at(-1)).toBe("warn the certificate of this process has ended"));
});
