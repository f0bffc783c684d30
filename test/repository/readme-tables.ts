import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { simulatedModels } from "../../services/simulator/models.ts";
import { variablesTable } from "../../shared/config-declare.ts";
import { catalogue, errorCodes } from "../../shared/errors/catalogue.ts";
import { declaredEnv } from "./declared-env.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Vendor {
  readonly key: string;
  readonly base_url_from: string;
  readonly needs_base_url?: boolean;
  readonly channel: {
    readonly base_url: string;
    readonly adapter: string;
    readonly models: readonly unknown[] | object;
  };
}

/** The tables of README.md and docs/ that the code knows better than any hand: `<!-- table: name -->` holds each. */
export const tables: Readonly<Record<string, () => string>> = {
  configuration() {
    const shown = new Set<string>();
    return declaredEnv
      .map(({ heading, variables }) => {
        const own = Object.fromEntries(Object.entries(variables).filter(([name]) => !shown.has(name)));
        for (const name of Object.keys(own)) shown.add(name);
        return `## ${heading}\n\n${variablesTable([own])}`;
      })
      .join("\n\n");
  },
  errors() {
    const rows = errorCodes.map((code) => {
      const { httpStatus, type, retryable, meaning, action, public: sent } = catalogue[code];
      const status = code === "insufficient_quota" ? `${httpStatus}, 429` : String(httpStatus);
      const retry = code === "insufficient_quota" ? "402: no" : retryable ? "yes" : "no";
      return `| ${sent ? status : `(${status})`} | \`${code}\` | \`${type}\` | ${retry} | ${meaning} | ${action} |`;
    });
    return [
      "| HTTP | `code` | `type` | Retry | Meaning | What to do |",
      "|---|---|---|---|---|---|",
      ...rows,
      "",
      "Codes with their status in brackets are never sent; they stand on records and in logs.",
    ].join("\n");
  },
  upstreams() {
    const { vendors } = parse(readFileSync(join(root, "services/routing/presets/vendors.yaml"), "utf8")) as {
      vendors: Vendor[];
    };
    const rows = vendors.map(({ key, base_url_from: url, needs_base_url, channel }) => {
      const entries: readonly unknown[] = Array.isArray(channel.models) ? channel.models : Object.keys(channel.models);
      const models = entries.filter((name) => typeof name !== "string" || !name.endsWith("*")).length;
      return `| \`${key}\` | \`${url}\` | ${needs_base_url === true ? "none: the address says the region" : channel.base_url} | \`${channel.adapter}\` | ${models} |`;
    });
    return [
      "| Key | Address, if another | Default address | Adapter | Models |",
      "|---|---|---|---|---|",
      ...rows,
    ].join("\n");
  },
  simulator() {
    const rows = simulatedModels.map(({ name, example, meaning }) => `| \`${name}\` | \`${example}\` | ${meaning} |`);
    return ["| Model | For example | What happens |", "|---|---|---|", ...rows].join("\n");
  },
};

/** A document with its generated tables as they should be. */
export function withTables(text: string): string {
  return text.replace(
    /(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- \/table -->)/g,
    (_, open: string, name: string, close: string) => {
      const make = tables[name];
      if (make === undefined) throw new Error(`there is no table "${name}"`);
      return `${open}\n${make()}\n\n${close}`;
    },
  );
}
