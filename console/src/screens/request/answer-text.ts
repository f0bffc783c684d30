/** What an answer says to a person, out of its JSON; undefined: nothing that is text. */
export function textOf(response: string): string | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(response);
  } catch {
    return undefined;
  }
  const parts = [
    ...textsAt(answer, ["choices", "message", "content"]),
    ...textsAt(answer, ["choices", "text"]),
    ...textsAt(answer, ["content", "text"]),
    ...textsAt(answer, ["output", "content", "text"]),
    ...textsAt(answer, ["candidates", "content", "parts", "text"]),
    ...textsAt(answer, ["text"]),
  ];
  return parts.length === 0 ? undefined : parts.join("\n\n");
}

/** The texts at a path; what is a list on the way is walked through. */
function textsAt(value: unknown, path: readonly string[]): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => textsAt(one, path));
  const [step, ...rest] = path;
  if (step === undefined) return typeof value === "string" && value !== "" ? [value] : [];
  return typeof value === "object" && value !== null ? textsAt(Reflect.get(value, step), rest) : [];
}

/** JSON with lines and indentation; what is no JSON stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
