/** One environment, as names and values. */
export type Env = Readonly<Record<string, string | undefined>>;

/** A configuration that cannot be used: names every variable at fault and what is wrong with it, never a secret's value. */
export class ConfigError extends Error {
  /** The first variable at fault. */
  readonly variable: string;
  /** One sentence per variable at fault. */
  readonly problems: readonly string[];

  constructor(variable: string, problems: string | readonly string[]) {
    const list = typeof problems === "string" ? [problems] : problems;
    super(list.join("\n"));
    this.name = "ConfigError";
    this.variable = variable;
    this.problems = list;
  }
}
