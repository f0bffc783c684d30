import type { FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";

/** Fields of requests whose value is read here, with those in them that are. */
const readFields: Readonly<Record<string, readonly string[]>> = {
  systemInstruction: [],
  toolConfig: [],
  safetySettings: [],
  cachedContent: [],
  generationConfig: [
    ...["maxOutputTokens", "candidateCount", "topP", "topK", "stopSequences", "responseMimeType", "responseSchema"],
    ...["responseJsonSchema", "responseModalities", "thinkingConfig"],
  ],
  taskType: [],
  outputDimensionality: [],
};

/**
 * Fields may be spelt in snake case too, as protobuf's JSON allows: they are read by their one name. One that is there in both
 * spellings would be priced by one and answered by the other. Throws invalid_value with its path.
 */
export function inOneSpelling(body: Record<string, unknown>, at = ""): void {
  for (const [name, inner] of Object.entries(readFields)) {
    rename(body, name, at);
    const value = body[name];
    if (inner.length === 0 || !isObject(value)) continue;
    for (const field of inner) rename(value, field, `${at}${name}.`);
  }
  if (isObject(body.generateContentRequest)) inOneSpelling(body.generateContentRequest, "generateContentRequest.");
  if (!Array.isArray(body.requests)) return;
  for (const [index, one] of body.requests.entries()) if (isObject(one)) inOneSpelling(one, `requests[${index}].`);
}

function rename(object: Record<string, unknown>, name: string, at: string): void {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (!Object.hasOwn(object, snake)) return;
  if (Object.hasOwn(object, name)) {
    const param = `${at}${snake}`;
    throw new ThroughlineError("invalid_value", `${param} is given twice: as ${name} too.`, { param });
  }
  object[name] = object[snake];
  delete object[snake];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The model that the address names. Throws invalid_value where it can be no name of one. */
export function modelOf({ params }: Pick<FastifyRequest, "params">): string {
  const model: unknown = typeof params === "object" && params !== null ? Reflect.get(params, "*") : undefined;
  if (typeof model === "string" && model !== "" && model.length <= 256 && !/[\p{Cc}\p{Cs}]/u.test(model)) return model;
  throw new ThroughlineError("invalid_value", "The address names no model.", { param: "model" });
}
