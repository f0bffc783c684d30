import { type TSchema, Type } from "typebox";

/** Clients send `null` for "not given" (every official SDK types most fields so): null passes wherever the field is optional. */
export const maybe = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

/** An object whose unknown fields are kept: vendors add fields every month and the gateway passes them through. */
export const open = <T extends Record<string, TSchema>>(fields: T) =>
  Type.Object(fields, { additionalProperties: true });

/** One of these strings. */
export const oneOf = (...values: readonly string[]) => Type.String({ enum: [...values] });

/** Any object. */
export const anyObject = Type.Object({}, { additionalProperties: true });
