/** What a client's model name was resolved to. */
export interface ResolvedName {
  /** Configured name of the model. */
  readonly model: string;
  /** The name to put where a pattern has its `*`: equal to `model` unless that is a pattern. */
  readonly concrete: string;
  /** Control that the suffix asks for, e.g. "thinking" or "high". Empty: none. */
  readonly control: string;
}

/** Suffixes that are controls, not part of a model's name. */
export const controlSuffixes: ReadonlySet<string> = new Set([
  "thinking",
  "nothinking",
  "search",
  "low",
  "medium",
  "high",
  "minimal",
  "none",
  "xhigh",
  "max",
]);

/** Resolves model names against a configuration. */
export interface Names {
  /** The model of a name, or undefined. Exact names win over suffixes, suffixes over patterns. */
  resolve(name: string): ResolvedName | undefined;
  /** Aliases that lead nowhere or in a circle, each with the chain that shows it. */
  readonly broken: readonly { alias: string; chain: readonly string[]; why: "circle" | "unknown" }[];
}

/**
 * Builds the resolver. Aliases are followed once, here: a lookup costs at most two map reads and a few prefix checks.
 *
 * @param models configured names; those that end in `*` are patterns, of which the longest that fits wins.
 * @param aliases alias to target; a target may be a model, another alias, a name that a pattern fits, each with a suffix.
 */
export function createNames(models: Iterable<string>, aliases: ReadonlyMap<string, string>): Names {
  const exact = new Map<string, ResolvedName>();
  const patterns: { prefix: string; model: string }[] = [];
  for (const model of models) {
    if (model.endsWith("*")) patterns.push({ prefix: model.slice(0, -1), model });
    else exact.set(model, { model, concrete: model, control: "" });
  }
  patterns.sort((a, b) => b.prefix.length - a.prefix.length);

  const byPattern = (name: string): ResolvedName | undefined => {
    const pattern = patterns.find(({ prefix }) => name.length > prefix.length && name.startsWith(prefix));
    return pattern && { model: pattern.model, concrete: name, control: "" };
  };

  const bySuffix = (name: string, find: (stripped: string) => ResolvedName | undefined): ResolvedName | undefined => {
    const dash = name.lastIndexOf("-");
    const control = name.slice(dash + 1);
    if (dash <= 0 || !controlSuffixes.has(control)) return undefined;
    const found = find(name.slice(0, dash));
    // A second control (an alias that has one already) would contradict the first: the name is then not ours.
    return found === undefined || found.control !== "" ? undefined : { ...found, control };
  };

  const followed = new Map<string, ResolvedName>();
  const broken: { alias: string; chain: readonly string[]; why: "circle" | "unknown" }[] = [];

  const follow = (name: string, chain: readonly string[]): ResolvedName | "circle" | undefined => {
    const model = exact.get(name) ?? followed.get(name);
    if (model !== undefined) return model;
    const target = aliases.get(name);
    if (target !== undefined) return chain.includes(name) ? "circle" : follow(target, [...chain, name]);
    let circle = false;
    const stripped = bySuffix(name, (rest) => {
      const found = follow(rest, chain);
      if (found === "circle") circle = true;
      return found === "circle" ? undefined : found;
    });
    return circle ? "circle" : (stripped ?? byPattern(name));
  };

  for (const alias of aliases.keys()) {
    const found = follow(alias, []);
    if (found === "circle" || found === undefined) {
      broken.push({ alias, chain: chainOf(alias, aliases), why: found === "circle" ? "circle" : "unknown" });
    } else followed.set(alias, found);
  }

  const named = (name: string) => exact.get(name) ?? followed.get(name);
  return { broken, resolve: (name) => named(name) ?? bySuffix(name, named) ?? byPattern(name) };
}

/** The names that following an alias visits, up to where it ends or repeats. */
function chainOf(alias: string, aliases: ReadonlyMap<string, string>): string[] {
  const chain = [alias];
  for (
    let name = aliases.get(alias);
    name !== undefined;
    name = aliases.get(name) ?? aliases.get(withoutSuffix(name))
  ) {
    const seen = chain.includes(name);
    chain.push(name);
    if (seen) break;
  }
  return chain;
}

function withoutSuffix(name: string): string {
  const dash = name.lastIndexOf("-");
  return dash > 0 && controlSuffixes.has(name.slice(dash + 1)) ? name.slice(0, dash) : name;
}
