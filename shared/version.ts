import { readFileSync } from "node:fs";

/** Version of this program, as package.json has it. */
export const version = versionIn(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

function versionIn(text: string): string {
  const parsed: unknown = JSON.parse(text);
  const found = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return typeof found === "string" ? found : "0.0.0";
}
