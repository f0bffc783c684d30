// Writes what packages an installed node_modules holds, as CycloneDX 1.5, to standard output.
//
//   node deploy/sbom.mjs            in the folder with node_modules
//
// From the packages that are there, since `npm sbom --omit=dev` leaves out those that development packages need as well, two
// in three of ours. Node's own modules only.

import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const read = (folder) => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** All packages below a node_modules, those that packages bring for themselves too. */
function packagesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || entry.name.startsWith(".")) return [];
    if (entry.name.startsWith("@")) return packagesIn(path);
    return [...(existsSync(join(path, "package.json")) ? [read(path)] : []), ...packagesIn(join(path, "node_modules"))];
  });
}

function component({ name, version, license }) {
  const purl = `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
  const licenses = typeof license === "string" ? [{ expression: license }] : [];
  return { type: "library", name, version, purl, "bom-ref": purl, ...(licenses.length === 0 ? {} : { licenses }) };
}

const { name, version, license } = read(".");
const found = new Map(packagesIn("node_modules").map((one) => [`${one.name}@${one.version}`, component(one)]));
const components = [...found.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1));
const document = {
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  serialNumber: `urn:uuid:${randomUUID()}`,
  version: 1,
  metadata: { component: { type: "application", name, version, licenses: [{ expression: license }] } },
  components,
};
process.stdout.write(`${JSON.stringify(document, null, 1)}\n`);
