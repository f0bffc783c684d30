import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../shared/config.ts";
import { configurationOf, presets, testPrices } from "../testing.ts";
import { endOf } from "./ends.ts";
import { environmentChannels } from "./presets.ts";

function entryNames(models: (typeof presets.vendors)[number]["channel"]["models"]): string[] {
  if (!Array.isArray(models)) return Object.keys(models);
  return models.map((model) => (typeof model === "string" ? model : model.name));
}

describe("what ships with the service", () => {
  const allKeys = Object.fromEntries(
    presets.vendors.flatMap(({ key, base_url_from, needs_base_url, channel }) => [
      [key, "k"],
      ...(needs_base_url ? [[base_url_from, channel.base_url]] : []),
    ]),
  );

  test("every model of a vendor is configured and priced, but for those that have ended", () => {
    const { channels } = configurationOf("groups: []", { env: allKeys });
    for (const { channel, ends } of presets.vendors) {
      const named = entryNames(channel.models);
      const isServed = (name: string) => endOf(ends, name) === "" || endOf(ends, name) > "2026-11-21";
      const served = channels.find(({ name }) => name === channel.name)?.models.map(({ model }) => model);
      expect(served, channel.name).toEqual(named.filter((name) => name !== "*" && isServed(name)));
    }
  });

  test("names no model of a vendor that the presets do not have, and no end that stands for nothing", () => {
    const { channels } = configurationOf("groups: []", { env: allKeys });
    for (const { channel, ends, table } of presets.vendors) {
      const named = entryNames(channel.models).map((name) => name.replace(/\*$/, ""));
      const known = [...testPrices.list(table ?? ""), ...named].filter((name) => name !== "");
      for (const pattern of Object.keys(ends)) {
        const stem = pattern.replace(/\*$/, "");
        // A snapshot is not in the table by its own name: what it is one of is.
        const stands = known.some((name) => name.startsWith(stem) || stem.startsWith(name));
        expect(stands, `${channel.name}: ${pattern}`).toBe(true);
      }
      expect(channels.find(({ name }) => name === channel.name)?.lists?.all ?? false).toBe(
        channel.name === "openrouter",
      );
    }
  });

  test("is retired nowhere", () => {
    // The vendors have switched these off by 2026-12-01.
    const retired = /^(dall-e|gpt-image-1(\.5|-mini)?$|chatgpt-image|sora|imagen|text-moderation|veo-2)/;
    const { models } = configurationOf("groups: []");
    expect(models.map(({ name }) => name).filter((name) => retired.test(name))).toEqual([]);
  });

  test("the simulator serves each preset model of its modules", () => {
    const { channels } = configurationOf("groups: []", { simulatorUrl: "http://127.0.0.1:1" });
    const served = new Set(channels[0]?.models.map(({ model }) => model));
    for (const { name, module, auto } of presets.models.config.models) {
      if (auto !== undefined || name.endsWith("*")) continue;
      if (presets.simulator.serves.includes(module)) expect(served).toContain(name);
    }
    expect(served).toContain("sim-*");
    // The models of the chat seed's examples.
    for (const name of ["gpt-4o", "o3-mini", "deepseek-chat", "deepseek-ocr", "qwen-max", "qwen-mt-turbo"]) {
      expect(served).toContain(name);
    }
  });

  test("a cloud has a channel where its address is set beside its key, and the parts of its credential have names", () => {
    const channelsOf = (env: Readonly<Record<string, string>>) =>
      environmentChannels(env, presets.vendors).config.channels.map(({ name, base_url, credentials }) => [
        ...[name, base_url, credentials],
      ]);
    const aws = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s", AWS_REGION: "eu-west-1" };
    expect(channelsOf({ ...aws, AWS_BEARER_TOKEN_BEDROCK: "b", GOOGLE_APPLICATION_CREDENTIALS: "/x" })).toEqual([]);
    const place = "https://bedrock-runtime.eu-west-1.amazonaws.com";
    const env = "AWS_ACCESS_KEY_ID:AWS_SECRET_ACCESS_KEY:AWS_SESSION_TOKEN?";
    expect(channelsOf({ ...aws, BEDROCK_BASE_URL: place })).toEqual([["bedrock-access-key", place, [{ env }]]]);
    const project = "https://aiplatform.googleapis.com/v1/projects/p/locations/global";
    expect(channelsOf({ VERTEX_CREDENTIALS: "{}", VERTEX_BASE_URL: project })).toEqual([
      ["vertex", project, [{ env: "VERTEX_CREDENTIALS" }]],
    ]);
  });

  test("a base URL of the environment counts, its slashes do not; a wrong one is refused by its name alone", () => {
    const vendors = presets.vendors;
    const url = (value: string) =>
      environmentChannels({ OPENAI_API_KEY: "k", OPENAI_BASE_URL: value }, vendors).config.channels[0]?.base_url;
    expect(url("http://127.0.0.1:4010/v1//")).toBe("http://127.0.0.1:4010/v1");
    expect(url("")).toBe("https://api.openai.com/v1");
    expect(() => url("http://user:sk-123@x")).toThrow(ConfigError);
    expect(() => url("http://user:sk-123@x")).not.toThrow(/sk-123/);
  });
});
