import type { FastifyRequest } from "fastify";
import type { Static, TObject } from "typebox";
import type { Form, FormSpec } from "../../domain/form.ts";
import { validationError } from "../../edge/validation.ts";

/**
 * The fields of a form as the JSON that they would be, checked by the schema that such a body has. Throws catalogue errors
 * with the name of the field.
 */
export function checkedFields<S extends TObject>(
  { fields }: FormSpec,
  schema: S,
  form: Form,
  request: FastifyRequest,
): Static<S> {
  const given: Record<string, unknown> = {};
  for (const [name, { kind }] of Object.entries(fields)) {
    const value = kind === "number" || kind === "boolean" ? form[kind](name) : form.text(name);
    if (value !== undefined) given[name] = value;
  }
  const validate = request.compileValidationSchema(schema);
  if (!validate(given)) throw validationError(validate.errors ?? []);
  // The schema has checked it.
  return given as Static<S>;
}
