import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateImage } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, type Mode, startDeployment } from "../e2e/deployment.ts";

/* The SDKs that applications make images with, beside openai for Node (test/e2e/images.test.ts), against the simulator. */

const run = promisify(execFile);
const model = "gpt-image-2";
const prompt = "A lighthouse at dusk";
const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(5_000, "a picture")]);

/** openai for Python: plain, n of 2, both ways back, a stream, and an edit of two files. */
const python = `
import base64, sys
from openai import OpenAI
url, key, model, prompt = sys.argv[1:]
png = b"\\x89PNG\\r\\n\\x1a\\n" + b"a picture" * 500
client = OpenAI(api_key=key, base_url=url, max_retries=0)
is_png = lambda text: base64.b64decode(text).startswith(b"\\x89PNG")
two = client.images.generate(model=model, prompt=prompt, n=2, response_format="b64_json")
assert [is_png(image.b64_json) for image in two.data] == [True, True], two
assert two.usage.input_tokens_details.text_tokens > 0
one = client.images.generate(model=model, prompt=prompt, response_format="url")
assert one.data[0].url.startswith("http"), one
events = list(client.images.generate(model=model, prompt=prompt, stream=True, partial_images=2))
assert [event.type.split(".")[1] for event in events] == ["partial_image", "partial_image", "completed"], events
assert is_png(events[-1].b64_json) and events[-1].usage.output_tokens > 0
edit = client.images.edit(model=model, prompt=prompt, image=[("a.png", png), ("b.png", png)])
assert is_png(edit.data[0].b64_json) and edit.usage.input_tokens_details.image_tokens > 0
edits = list(client.images.edit(model=model, prompt=prompt, image=("a.png", png), stream=True))
assert edits[-1].type == "image_edit.completed", edits
`;
const hasPython = await run("python3", ["-c", "import openai"]).then(
  () => true,
  () => false,
);

const modes: Mode[] = ["up", "mesh"];

describe.each(modes)("%s", (mode) => {
  let house: Deployment;
  beforeAll(async () => {
    house = await startDeployment(mode, { LOG_LEVEL: "warn" });
  }, 90_000);
  afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

  test("AI SDK: generateImage of a prompt, and of a prompt and images", async () => {
    const provider = createOpenAICompatible({ name: "house", baseURL: `${house.url}/v1`, apiKey: house.key });
    const { images } = await generateImage({ model: provider.imageModel(model), prompt, n: 2, maxRetries: 0 });
    expect(images.map(({ mediaType }) => mediaType)).toEqual(["image/png", "image/png"]);
    const edited = await generateImage({
      model: provider.imageModel(model),
      prompt: { text: prompt, images: [png, png] },
      size: "1024x1024",
      maxRetries: 0,
    });
    expect(edited.image.uint8Array.subarray(1, 4)).toEqual(new Uint8Array(Buffer.from("PNG")));
    const last = house.simulator.requests.at(-1);
    expect(last?.path).toBe("/v1/images/edits");
    expect(last?.body.includes(png)).toBe(true);
  });

  test.runIf(hasPython)("openai for Python, where it is installed", async () => {
    await run("python3", ["-c", python, `${house.url}/v1`, house.key, model, prompt]);
  });
});
