import { asArray, asObject, asString, type JsonObject } from "../../../wire/json.ts";

/** Where a tool stands: its own name, and the namespace that it is in; absent: none. */
export interface ToolPlace {
  readonly name: string;
  readonly namespace?: string;
}

/** The tools of a request by one flat name each, which is what formats without namespaces know them by. */
export interface Namespaces {
  /** The flat name of a tool that was called by its own name and namespace. */
  flatName(name: string, namespace: string | undefined): string;
  /** The place that a flat name stands for. */
  placeOf(flat: string): ToolPlace;
}

/** A namespace that only says that its members are functions: Codex puts its own tools into it. */
const plainNamespace = "functions";

/**
 * Reads which tools stand in namespaces (`{"type": "namespace", "name", "tools"}`). Their flat names are unique among all
 * tools, and the same in every turn that declares the same tools.
 */
export function readNamespaces(tools: unknown): Namespaces {
  const list = asArray(tools).map((raw) => asObject(raw) ?? {});
  const taken = new Set(list.filter(({ type }) => type !== "namespace").map(({ name }) => asString(name) ?? ""));
  const flats = new Map<string, string>();
  const places = new Map<string, ToolPlace>();
  for (const group of list) {
    if (group.type !== "namespace") continue;
    const namespace = asString(group.name) ?? "";
    for (const { name } of membersOf(group)) {
      const key = keyOf(name, namespace);
      if (flats.has(key)) continue;
      const flat = freeName(joinedName(name, namespace), taken);
      taken.add(flat);
      flats.set(key, flat);
      places.set(flat, { name, namespace });
    }
  }
  return {
    flatName(name, namespace) {
      if (namespace === undefined) return name;
      // A tool that was called in an earlier turn may not be declared any more.
      return flats.get(keyOf(name, namespace)) ?? joinedName(name, namespace);
    },
    placeOf: (flat) => places.get(flat) ?? { name: flat },
  };
}

/** The tools of a namespace. */
export function membersOf(group: JsonObject): { readonly name: string; readonly tool: JsonObject }[] {
  return asArray(group.tools).map((raw) => {
    const tool = asObject(raw) ?? {};
    return { name: asString(tool.name) ?? "", tool };
  });
}

function keyOf(name: string, namespace: string): string {
  return JSON.stringify([namespace, name]);
}

/** `mcp__docs` and `mcp__docs__` both give `mcp__docs__search`. */
function joinedName(name: string, namespace: string): string {
  if (namespace === plainNamespace || namespace === "") return name;
  return `${namespace}${namespace.endsWith("__") ? "" : "__"}${name}`;
}

function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}_${number}`;
  return free;
}
