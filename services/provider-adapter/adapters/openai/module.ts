import type { Asked, Exchange } from "../../domain/exchange.ts";
import type { FlavourOf, OpenaiFlavour, VendorModule } from "../../domain/flavour.ts";
import type { Notes } from "../../domain/notes.ts";
import type { JsonObject } from "../../wire/json.ts";

/** A module beside chat, as OpenAI and the servers that stand beside those of its format speak it. */
export interface OpenaiModule {
  /** Name of the module. */
  readonly name: string;
  /** What a flavour may say as its `shape`. */
  readonly shapes: readonly string[];
  /** Exchanges by client dialect. */
  exchanges(of: FlavourOf): Record<string, (asked: Asked) => Exchange>;
}

/** How one shape of a module is asked: what the channel's flavour says goes before what is known of its vendor. */
export function placeOf<S extends string>(
  { vendor, modules }: OpenaiFlavour,
  name: string,
  usual: { readonly path: string; readonly shape: S },
  vendors: Readonly<Partial<Record<string, VendorModule & { readonly shape?: S }>>>,
): { readonly path: string; readonly shape: S; readonly base?: readonly [string, string] } {
  const { path, shape, base } = { ...usual, ...vendors[vendor], ...modules[name] };
  // A shape that is none was refused when the channel was opened.
  return { path: path ?? usual.path, shape: (shape ?? usual.shape) as S, ...(base === undefined ? {} : { base }) };
}

/**
 * The client's other fields but for those that the vendor refuses, or that would have another model answer at the price of
 * this one.
 */
export function takenFields(others: JsonObject, { dropFields }: OpenaiFlavour, note: Notes["note"]): JsonObject {
  const taken = { ...others };
  for (const field of dropFields) {
    if (taken[field] === undefined) continue;
    delete taken[field];
    note(`${field} dropped: the vendor does not take it`);
  }
  return taken;
}

/** Throws an error that names the field where a flavour asks for a shape that its module does not have. */
export function checkModules({ modules }: OpenaiFlavour, known: readonly OpenaiModule[]): void {
  for (const [name, { shape, path, base } = {}] of Object.entries(modules)) {
    const found = known.find((one) => one.name === name);
    if (found === undefined && (shape ?? path ?? base) !== undefined) {
      throw new Error(
        `modules.${name}: nothing can be said of this module; known are ${known.map((one) => one.name).join(", ")}`,
      );
    }
    if (shape !== undefined && found?.shapes.includes(shape) !== true) {
      throw new Error(`modules.${name}.shape: unknown shape '${shape}'; known are ${found?.shapes.join(", ")}`);
    }
  }
}
