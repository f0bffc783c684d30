/** A way to a value inside a document: keys and positions. */
export type Path = readonly (string | number)[];

/** One thing that is wrong with a configuration. */
export interface Problem {
  /** Where it is, e.g. "throughline.yaml:12:5" or "OPENAI_BASE_URL". Empty: the path says it. */
  readonly place: string;
  /** Path of the value, e.g. "channels[0].weight". Empty: the document. */
  readonly path: string;
  /** What is wrong, in words that follow the path. */
  readonly message: string;
}

/** `channels[0].weight`. A key that is no plain word is quoted: `models["gpt-4o.x"]`. */
export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** `throughline.yaml:12:5 channels[0].weight: must be 0 or more`. */
export function problemText({ place, path, message }: Problem): string {
  const where = [place, path].filter((part) => part !== "").join(" ");
  return where === "" ? message : `${where}: ${message}`;
}
