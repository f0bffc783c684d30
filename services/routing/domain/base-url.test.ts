import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { problemsOf } from "../testing.ts";
import { baseUrlSchema } from "./base-url.ts";

const bases = [
  "https://api.openai.com/v1",
  "https://api.anthropic.com",
  "https://generativelanguage.googleapis.com/v1beta",
  "https://dashscope.aliyuncs.com/compatible-mode/v1",
  "https://own.openai.azure.com/openai/deployments/gpt-4o",
  "https://own.services.ai.azure.com/models",
  "https://router.huggingface.co/hf-inference/models/some/model/v1",
  "http://[::1]:8000/v1",
  "http://vllm.internal:8000",
  "http://10.0.0.1:11434/v1",
];
const endpoints = [
  "/chat/completions",
  "/completions",
  "/responses",
  "/embeddings",
  "/messages",
  "/messages/count_tokens",
  "/images/generations",
  "/images/edits",
  "/audio/speech",
  "/audio/transcriptions",
  "/rerank",
  "/moderations",
  "/videos",
  "/v1beta/models",
  "/v1beta/models/gemini-2.5-pro",
  "/v1beta/models/gemini-2.5-pro:generateContent",
  "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
  "/api/chat",
  "/api/generate",
];
const accepts = (text: string) => baseUrlSchema.safeParse(text).success;
const says = (text: string) => baseUrlSchema.safeParse(text).error?.issues[0]?.message;

describe("a base URL", () => {
  test.each(bases)("%s is taken, its last slashes are not", (base) => {
    expect(baseUrlSchema.parse(`${base}//`)).toBe(base);
  });

  test.each(endpoints)("with the path %s is refused, which an adapter would add once more", (endpoint) => {
    fc.assert(
      fc.property(fc.constantFrom(...bases), fc.constantFrom("", "/", "//"), fc.boolean(), (base, slashes, loud) => {
        const text = `${base}${loud ? endpoint.toUpperCase() : endpoint}${slashes}`;
        expect(says(text)).toMatch(/^must end before the endpoint's path/);
      }),
    );
  });

  test("is refused with anything that is no part of an address up to its path", () => {
    const parts = ["?", "?key=x", "?api-version=2024-10-21", "#", "#top", " ", "\t", "\n", `\${X}`, "{model}", "$HOME"];
    fc.assert(
      fc.property(
        fc.constantFrom(...bases),
        fc.constantFrom(...parts),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (base, part, at) => {
          const place = Math.round("https://".length + at * (base.length - "https://".length));
          expect(accepts(base.slice(0, place) + part + base.slice(place))).toBe(false);
        },
      ),
    );
  });

  test.each([
    `\${VENDOR_URL}`,
    `http://\${HOST}:8000/v1`,
    `http://host:\${PORT}/v1`,
    "https://<resource>.openai.azure.com/v1",
    "ftp://x",
    "api.openai.com/v1",
    "http:/x/v1",
    "http:///v1",
    "",
  ])("%j is refused", (text) => {
    expect(accepts(text)).toBe(false);
  });

  test.each(["http://user:sk-123@x/v1", "http://sk-123@x/v1", "http://@x/v1", "http://:sk-123@x/v1"])(
    "%s is refused without repeating who or what",
    (text) => {
      expect(says(text)).toBe("must not hold a user or password");
    },
  );
});

describe("a template that nobody filled in", () => {
  test("is told by line and field, wherever it stands", () => {
    const text = `strategies:
  - name: s
    prices: { input: "\${PRICE}", output: "2" }
    custom_response: "{text: '\${kept}'}"
models:
  - { name: "m-\${STAGE}", strategy: s }
channels:
  - name: a
    adapter: openai
    base_url: http://\${HOST}:8000/v1
    credentials: [{ file: "/run/\${SECRET}" }]
    headers: { x-team: "\${TEAM}" }
    models: ["m-\${STAGE}"]
    flavour: { vendor: "\${VENDOR" }
`;
    expect(problemsOf(text)).toEqual(
      [
        ["3:15", "strategies[0].prices.input", `\${PRICE}`],
        ["6:7", "models[0].name", `\${STAGE}`],
        ["10:5", "channels[0].base_url", `\${HOST}`],
        ["11:21", "channels[0].credentials[0].file", `\${SECRET}`],
        ["12:16", "channels[0].headers.x-team", `\${TEAM}`],
        ["13:14", "channels[0].models[0]", `\${STAGE}`],
        ["14:16", "channels[0].flavour.vendor", `\${VENDOR`],
      ].map(
        ([place, path, found]) =>
          `throughline.yaml:${place} ${path}: has ${found} left in it: the file knows no variables`,
      ),
    );
  });
});
