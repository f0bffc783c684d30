import type { ZodError, z } from "zod";
import type { Path } from "./problems.ts";

type Issue = z.core.$ZodIssue;

/** What a schema found wrong: the path and plain words that follow it ("must be 0 or more"). */
export function schemaProblems(error: ZodError): { path: Path; message: string }[] {
  return error.issues.flatMap((issue) => describe(issue, []));
}

function describe(issue: Issue, above: Path): { path: Path; message: string }[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ path: [...path, key], message: "is not a known field" }));
    case "invalid_union": {
      // The branch of the value's own shape says what is wrong inside it; when none has its shape, say the shapes.
      const inside = issue.errors.filter(
        (branch) => !branch.some((i) => i.code === "invalid_type" && i.path.length === 0),
      );
      const branch = inside[0];
      if (branch !== undefined) return branch.flatMap((inner) => describe(inner, path));
      const shapes = issue.errors.flat().flatMap((i) => (i.code === "invalid_type" ? [shape(i.expected)] : []));
      return [{ path, message: `must be ${shapes.join(" or ")}` }];
    }
    case "invalid_key":
    case "invalid_element":
      return issue.issues.flatMap((inner) => describe(inner, path));
    default:
      return [{ path, message: sentence(issue) }];
  }
}

function sentence(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined && /received undefined/.test(issue.message)
        ? "is missing"
        : `must be ${shape(issue.expected)}`;
    case "too_small":
      if (issue.origin === "string")
        return Number(issue.minimum) <= 1 ? "must not be empty" : `must have ${issue.minimum} characters or more`;
      if (issue.origin === "array")
        return Number(issue.minimum) <= 1 ? "must not be empty" : `must have ${issue.minimum} items or more`;
      return `must be ${issue.minimum} or more`;
    case "too_big":
      if (issue.origin === "string") return `must have at most ${issue.maximum} characters`;
      if (issue.origin === "array") return `must have at most ${issue.maximum} items`;
      return `must be at most ${issue.maximum}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    default:
      return issue.message;
  }
}

function shape(expected: string): string {
  const names: Record<string, string> = {
    string: "text",
    number: "a number",
    int: "a whole number",
    boolean: "true or false",
    array: "a list",
    object: "a map",
    record: "a map",
  };
  return names[expected] ?? expected;
}
