import { describe, expect, test } from "vitest";
import { endpointsOf, isOperation, type ModuleName, moduleNames, operations } from "../../../shared/modules.ts";
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
    for (const name of capabilities.filter((one) => !isOperation(one))) {
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

describe("an operation of a module", () => {
  const snapshot = snapshotOf(`
presets: false
strategies: [{ name: s, prices: { request: "1" } }]
models:
  - { name: ears, module: audio, strategy: s, capabilities: [transcription, translation] }
  - { name: mouth, module: audio, strategy: s, capabilities: [speech] }
  - { name: both, module: audio, strategy: s }
  - { name: unsaid, module: audio, strategy: s, capabilities: [languages] }
channels: [{ name: c, adapter: openai, base_url: "http://x", models: [ears, mouth, both, unsaid] }]
`);
  const ask = (model: string, capability: (typeof operations)[number], module: ModuleName = "audio") =>
    resolveRoute(
      { group: "default", model, module, needs: { ...noNeeds, capabilities: [capability] }, affinity: "" },
      { snapshot, health: noHealth, random: () => 0, nowMs: 0 },
    );

  test.each([
    ["ears", "speech", "use POST /v1/audio/transcriptions or /v1/audio/translations"],
    ["mouth", "transcription", "use POST /v1/audio/speech"],
    ["mouth", "translation", "use POST /v1/audio/speech"],
  ] as const)("that %s does not do (%s) is refused with the endpoint that serves it", (model, operation, way) => {
    let thrown: unknown;
    try {
      ask(model, operation);
    } catch (error) {
      thrown = error;
    }
    const message = `The model '${model}' does not support ${operation}: ${way}.`;
    expect(thrown).toMatchObject({ code: "model_not_supported", param: "model", message });
    expect(() => ask(model, operation, "chat")).toThrow(`The model '${model}' is for audio, not for chat: use POST`);
  });

  test("is served by a model that does it, and by one that names none", () => {
    for (const operation of operations) {
      for (const model of ["both", "unsaid"]) expect(ask(model, operation).candidates).toHaveLength(1);
    }
    expect(ask("mouth", "speech").candidates).toHaveLength(1);
    expect(ask("ears", "translation").candidates).toHaveLength(1);
  });
});
