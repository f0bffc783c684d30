import type { Path } from "./problems.ts";

const placeholder = /\$\{[^}]*\}?/;

/** Fields whose language may have such characters in its own texts. */
const ownLanguage: ReadonlySet<string> = new Set(["custom_response"]);

/**
 * Values and keys of a document that have `${...}` in them: a template that nobody filled in. The file knows no variables,
 * so the text would be taken as it is, and what should be a host or a name would be `${HOST}`.
 */
export function unfilledPlaceholders(value: unknown, path: Path = []): { path: Path; message: string }[] {
  if (typeof value === "string") {
    const found = placeholder.exec(value)?.[0];
    return found === undefined ? [] : [{ path, message: `has ${found} left in it: the file knows no variables` }];
  }
  if (Array.isArray(value)) return value.flatMap((item, i) => unfilledPlaceholders(item, [...path, i]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...unfilledPlaceholders(key, [...path, key]),
    ...(ownLanguage.has(key) ? [] : unfilledPlaceholders(item, [...path, key])),
  ]);
}
