import { type TSchema, Type } from "typebox";

/** Clients send `null` for "not given" (every official SDK types most fields so): null passes wherever the field is optional. */
export const maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

/** An object whose unknown fields are kept: vendors add fields every month and the gateway passes them through. */
export const open = <T extends Record<string, TSchema>>(fields: T) =>
  Type.Object(fields, { additionalProperties: true });

/** One of these strings. */
export const oneOf = (...values: readonly string[]) => Type.String({ enum: [...values] });

/**
 * Name of a model: any text without control characters and halves of characters, which no address can carry; it is kept on
 * records, hence its bound.
 */
export const modelName = Type.String({ minLength: 1, maxLength: 256, pattern: "^[^\\p{Cc}\\p{Cs}]*$" });

/** Most tokens of an answer; the largest is far above any model's and far below what billing can count. */
export const tokenCeiling = (minimum: number) => Type.Integer({ minimum, maximum: 1_000_000_000 });

/** Any object. */
export const anyObject = Type.Object({}, { additionalProperties: true });

/** An object that is told by its `type`. */
export interface Typed {
  readonly type?: unknown;
  readonly [field: string]: unknown;
}

/**
 * An object whose `type` chooses what else it must have; types that are not listed pass as they are, for vendors add
 * some every month. An error names the field inside the object and not "none of twelve shapes".
 *
 * @param shapes by type: schemas of objects without their `type`.
 * @param untyped schema where there is no `type`; absent: `type` is required.
 */
export function byType(shapes: Readonly<Record<string, TSchema>>, untyped?: TSchema) {
  const branches: object[] = Object.entries(shapes).map(([type, shape]) => ({
    if: { type: "object", required: ["type"], properties: { type: { const: type } } },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword, never awaited.
    then: shape,
  }));
  if (untyped !== undefined) {
    // biome-ignore lint/suspicious/noThenProperty: as above.
    branches.push({ if: { type: "object", properties: { type: { type: "null" } } }, then: untyped });
  }
  return Type.Unsafe<Typed>({
    type: "object",
    ...(untyped === undefined ? { required: ["type"] } : {}),
    properties: { type: { type: untyped === undefined ? "string" : ["string", "null"] } },
    allOf: branches,
  });
}
