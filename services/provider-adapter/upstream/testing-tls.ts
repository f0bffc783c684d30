import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate with its key, PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** An authority of a test, and certificates of it for servers on 127.0.0.1, of which a proxy may know as vendor.test. */
export interface TestAuthority {
  readonly ca: string;
  readonly good: Certificate;
  readonly expired: Certificate;
  readonly otherHost: Certificate;
  /** Signed by itself. */
  readonly own: Certificate;
}

/** Makes them with openssl. */
export function makeAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), "throughline-tls-"));
  const openssl = (...args: string[]) => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const selfSigned = (name: string, subject: string) =>
    openssl("req", "-x509", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.pem`, "-days", "2", "-subj", subject);

  function signed(name: string, subjectAltName: string, days: number): Certificate {
    writeFileSync(join(folder, "names"), `subjectAltName=${subjectAltName}\n`);
    openssl("req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    const signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", String(days)];
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signer);
    return { cert: read(`${name}.pem`), key: read(`${name}.key`) };
  }

  try {
    selfSigned("ca", "/CN=test authority");
    selfSigned("own", "/CN=127.0.0.1");
    return {
      ca: read("ca.pem"),
      good: signed("good", "IP:127.0.0.1,DNS:vendor.test", 2),
      // It ended a day before it began, which is now.
      expired: signed("expired", "IP:127.0.0.1,DNS:vendor.test", -1),
      otherHost: signed("other", "DNS:other.test", 2),
      own: { cert: read("own.pem"), key: read("own.key") },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
