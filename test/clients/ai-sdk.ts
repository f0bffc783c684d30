import { createRequire } from "node:module";
import { join } from "node:path";
import { models, type Product } from "./product.ts";
import type { VendorName } from "./rules.ts";
import type { Vendors } from "./vendors.ts";

/** What is used of the AI SDK; its own types are installed only where this is run. */
interface AiSdk {
  generateText(options: object): Promise<Result>;
  streamText(options: object): { consumeStream(): Promise<void>; text: Promise<string>; steps: Promise<unknown[]> };
  tool(options: object): object;
  stepCountIs(count: number): unknown;
}

interface Result {
  readonly text: string;
  readonly steps: readonly unknown[];
}

/**
 * The AI SDK with its default for OpenAI, which speaks responses and sends items of earlier steps back as references: two
 * calls at once, then a third, then the answer. Whole and streamed. Gives what went wrong; empty: nothing.
 */
export async function runAiSdk(
  product: Product,
  vendors: Vendors,
  { vendor, clients }: { vendor: VendorName; clients: string },
): Promise<string> {
  const load = createRequire(join(clients, "package.json"));
  const { generateText, streamText, tool, stepCountIs } = load("ai") as AiSdk;
  const { createOpenAI } = load("@ai-sdk/openai") as {
    createOpenAI(options: object): (model: string) => unknown;
  };
  const { z } = load("zod") as { z: { object(shape: object): unknown; string(): unknown } };
  const weather = tool({
    description: "Tells the weather",
    inputSchema: z.object({ city: z.string() }),
    execute: ({ city }: { city: string }) => Promise.resolve({ city, degrees: 20 }),
  });
  const options = {
    // The caller tells what goes wrong.
    onError: () => undefined,
    model: createOpenAI({ baseURL: `${product.url}/v1`, apiKey: product.key })(models[vendor]),
    prompt: "The weather in Lima, Rome and Oslo?",
    tools: { weather },
    stopWhen: stepCountIs(5),
    maxRetries: 0,
  };
  const cities = [["Lima", "Rome"], ["Oslo"]];
  const wrong: string[] = [];
  for (const way of ["whole", "streamed"] as const) {
    vendors.follow(({ results }) => {
      const next = results.length === 0 ? cities[0] : results.length === 2 ? cities[1] : undefined;
      if (next === undefined) return { text: "FINAL-ANSWER" };
      return { calls: next.map((city) => ({ name: "weather", input: { city } })) };
    });
    try {
      const { text, steps } = way === "whole" ? await generateText(options) : await streamed(streamText(options));
      if (text !== "FINAL-ANSWER" || steps.length !== 3) wrong.push(`${way}: '${text}' after ${steps.length} steps`);
    } catch (error) {
      wrong.push(`${way}: ${String(error)} ${String(Reflect.get(Object(error), "responseBody"))}`);
    }
    for (const rule of vendors.refused) wrong.push(`${way}: ${rule}`);
  }
  return wrong.join("; ");
}

async function streamed(answer: ReturnType<AiSdk["streamText"]>): Promise<Result> {
  await answer.consumeStream();
  return { text: await answer.text, steps: await answer.steps };
}
