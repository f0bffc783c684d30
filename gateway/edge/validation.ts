import type { FastifySchemaValidationError } from "fastify";
import { ThroughlineError } from "../../shared/errors/error.ts";

/**
 * The catalogue error of what ajv found. Of the errors of a union's branches the deepest is told: it belongs to the
 * branch that the client meant.
 */
export function validationError(found: readonly FastifySchemaValidationError[]): ThroughlineError {
  let deepest = found[0];
  for (const error of found) {
    if (deepest === undefined || depth(error) > depth(deepest)) deepest = error;
  }
  if (deepest === undefined) return new ThroughlineError("invalid_value", "The request is not valid.");
  const path = toPath(deepest.instancePath);
  if (deepest.keyword === "required") {
    const missing = join(path, String(deepest.params.missingProperty));
    return new ThroughlineError("missing_required_field", `${missing} is required.`, { param: missing });
  }
  const same = found.filter((error) => error.instancePath === deepest.instancePath);
  return new ThroughlineError("invalid_value", `${path || "The body"} ${describe(same)}.`, {
    param: path === "" ? undefined : path,
  });
}

function depth(error: FastifySchemaValidationError): number {
  // A missing property is a finding about the level below.
  return error.instancePath.split("/").length + (error.keyword === "required" ? 1 : 0);
}

/** `/messages/2/content` as `messages[2].content`. */
export function toPath(pointer: string): string {
  let path = "";
  for (const raw of pointer.split("/").slice(1)) {
    const name = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    path = /^\d+$/.test(name) ? `${path}[${name}]` : join(path, name);
  }
  return path;
}

/** Longest path that is told: names inside it may be the client's, and an error is kept with its record. */
const maxPathLength = 300;

function join(path: string, name: string): string {
  return (path === "" ? name : `${path}.${name}`).slice(0, maxPathLength);
}

/** What is wanted, in words. `errors` are of one place. */
function describe(errors: readonly FastifySchemaValidationError[]): string {
  const types = errors.filter((error) => error.keyword === "type").map((error) => String(error.params.type));
  const wanted = [...new Set(types)].filter((type) => type !== "null");
  const other = errors.find((error) => !["type", "anyOf", "oneOf"].includes(error.keyword));
  if (other?.keyword === "enum") {
    const values = other.params.allowedValues;
    if (Array.isArray(values)) return `must be one of ${values.map((value) => JSON.stringify(value)).join(", ")}`;
  }
  if (other?.keyword === "pattern") return "has characters that are not allowed";
  if (other?.keyword === "discriminator") return "has an unknown 'type'";
  if (other !== undefined && other.message !== undefined) return other.message;
  if (wanted.length > 0) return `must be ${wanted.map(article).join(" or ")}`;
  return "is not valid";
}

function article(type: string): string {
  return /^[aio]/.test(type) ? `an ${type}` : `a ${type}`;
}
