import { expect, test } from "vitest";
import { adapters } from "../adapters/registry.ts";
import type { Asked } from "./exchange.ts";

/** A schema of a tool, nested so deep. */
const nested = (depth: number) => `${'{"properties":{"a":'.repeat(depth)}{}${"}}".repeat(depth)}`;

const asked = (depth: number): Asked => ({
  requestId: 42n,
  model: "m",
  upstreamModel: "some-model",
  control: "",
  stream: false,
  includeUsage: false,
  body: Buffer.from(
    `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${nested(depth)}}}]}`,
  ),
  headers: {},
  createdUnixS: 1,
  keepResponse: true,
});

test.each(["anthropic", "gemini"])("a body that is nested too deeply is the client's mistake: %s", (adapter) => {
  const make = adapters[adapter]?.open("{}").exchanges["openai.chat"];
  if (make === undefined) throw new Error("chat is not served");
  expect(() => make(asked(20_000))).toThrow(
    expect.objectContaining({ code: "invalid_value", message: expect.stringContaining("nested too deeply") }),
  );
  expect(Buffer.from(make(asked(20)).message.body).toString()).toContain(nested(19));
});
