import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { adapters } from "../../services/provider-adapter/adapters/registry.ts";
import { isOperation, operations } from "../../shared/modules.ts";

/* What the presets offer of audio is served: each model says what it does, and the upstream of each channel can be asked for it. */

interface Presets {
  readonly models: readonly { readonly name: string; readonly module?: string; readonly capabilities?: string[] }[];
}
interface Vendors {
  readonly vendors: readonly { readonly channel: Channel }[];
}
interface Channel {
  readonly name: string;
  readonly adapter: string;
  readonly base_url: string;
  readonly flavour?: object;
  readonly models: readonly (string | { readonly name: string })[] | Readonly<Record<string, unknown>>;
}

const read = (name: string): unknown =>
  parse(readFileSync(new URL(`../../services/routing/presets/${name}`, import.meta.url), "utf8"), { merge: true });
const { models } = read("models.yaml") as Presets;
const { vendors } = read("vendors.yaml") as Vendors;
const audio = new Map(models.filter(({ module }) => module === "audio").map((model) => [model.name, model]));

const namesOf = ({ models: served }: Channel): string[] =>
  Array.isArray(served) ? served.map((one) => (typeof one === "string" ? one : one.name)) : Object.keys(served);

test("every model of audio says what it does, and some channel serves it", () => {
  const served = new Set(vendors.flatMap(({ channel }) => namesOf(channel)));
  for (const { name, capabilities = [] } of audio.values()) {
    expect([name, capabilities.some(isOperation), served.has(name)]).toEqual([name, true, true]);
  }
  const done = new Set([...audio.values()].flatMap(({ capabilities = [] }) => capabilities));
  expect(operations.filter((operation) => !done.has(operation))).toEqual([]);
});

test("the upstream of each channel can be asked for all that its models of audio do", () => {
  let asked = 0;
  for (const { channel } of vendors) {
    const opened = adapters[channel.adapter]?.open(JSON.stringify(channel.flavour ?? {}), channel.base_url);
    for (const name of namesOf(channel)) {
      for (const operation of audio.get(name)?.capabilities?.filter(isOperation) ?? []) {
        asked += 1;
        expect([channel.name, name, operation, opened?.exchanges[`openai.${operation}`]]).toEqual([
          ...[channel.name, name, operation, expect.any(Function)],
        ]);
      }
    }
  }
  expect(asked).toBeGreaterThan(audio.size);
});
