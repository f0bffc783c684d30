import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Certificates of a test, made by openssl. */
export interface TestCertificates {
  /** Path of a file in their folder. */
  file(name: string): string;
  /** Makes an authority: `<name>.pem`. */
  authority(name: string): string;
  /** Makes `<name>.pem` and `<name>.key`, signed by an authority. Days below zero: it has ended. */
  issue(
    name: string,
    options: { by: string; names: string; days?: number },
  ): { certificateFile: string; privateKeyFile: string };
  remove(): void;
}

/** Makes a folder for certificates. */
export function createCertificates(): TestCertificates {
  const folder = mkdtempSync(join(tmpdir(), "throughline-certificates-"));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  return {
    file,
    authority(name) {
      openssl(
        "req",
        "-x509",
        ...key,
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.pem`,
        "-days",
        "30",
        "-subj",
        `/CN=${name}`,
      );
      return file(`${name}.pem`);
    },
    issue(name, { by, names, days = 30 }) {
      writeFileSync(file("names"), `subjectAltName=${names}\n`);
      openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
      const signer = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-CAcreateserial", "-extfile", "names"];
      openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.pem`, ...signer, "-days", String(days));
      return { certificateFile: file(`${name}.pem`), privateKeyFile: file(`${name}.key`) };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
