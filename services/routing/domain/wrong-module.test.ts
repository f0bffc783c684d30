import { describe, expect, test } from "vitest";
import { endpointsOf, moduleNames } from "../../../shared/modules.ts";
import { snapshotOf } from "../testing.ts";
import { askedFor, capabilities } from "./capabilities.ts";
import { noHealth } from "./health.ts";
import { noNeeds } from "./needs.ts";
import { resolveRoute } from "./resolve.ts";

describe.each(moduleNames)("a model for %s", (module) => {
  const snapshot = snapshotOf(`
presets: false
strategies: [{ name: s, prices: { request: "1" } }]
models: [{ name: m, module: ${module}, strategy: s, capabilities: [] }]
channels: [{ name: c, adapter: openai, base_url: "http://x", models: [m] }]
`);
  const ask = (asked: (typeof moduleNames)[number], needs = noNeeds) =>
    resolveRoute(
      { group: "default", model: "m", module: asked, needs, affinity: "" },
      { snapshot, health: noHealth, random: () => 0, nowMs: 0 },
    );

  test("that is asked for something else says which endpoint serves it", () => {
    const [path] = endpointsOf(module);
    const way = path === undefined ? "no endpoint serves it" : `use POST ${path}`;
    for (const asked of moduleNames.filter((name) => name !== module)) {
      expect(() => ask(asked)).toThrow(`The model 'm' is for ${module}, not for ${asked}: ${way}.`);
    }
  });

  test("that lacks what a request needs says what it is", () => {
    for (const name of capabilities) {
      const { what, param } = askedFor(name, module);
      let thrown: unknown;
      try {
        ask(module, { ...noNeeds, capabilities: [name] });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({
        code: "invalid_value",
        param,
        message: `The model 'm' does not support ${what}.`,
      });
    }
  });
});
