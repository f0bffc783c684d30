import { asArray, asObject, asString, type JsonObject, parseJson } from "../wire/json.ts";
import type { ListedModel, ModelList } from "./adapter.ts";

/**
 * A list of models that is asked for with GET.
 *
 * @param field name of the list in the answer.
 * @param nameOf the name by which the upstream takes a model; empty: it is none that is asked here.
 */
export function modelList(
  path: string,
  headers: Readonly<Record<string, string>>,
  field: string,
  nameOf: (model: JsonObject) => string,
): ModelList {
  return {
    message: { method: "GET", path, headers, body: new Uint8Array() },
    read(body) {
      const list = asObject(parseJson(body.toString()))?.[field];
      if (!Array.isArray(list)) return undefined;
      return asArray(list).flatMap((item): ListedModel[] => {
        const model = asObject(item) ?? {};
        const name = nameOf(model);
        if (name === "") return [];
        return [{ name, createdUnixS: createdOf(model), endsOn: asString(model.shutdown_date) ?? "" }];
      });
    },
  };
}

/** The name of a model where it is its ID. */
export function idOf(model: JsonObject): string {
  return asString(model.id) ?? "";
}

function createdOf({ created, created_at }: JsonObject): number {
  const atMs = Date.parse(asString(created_at) ?? "");
  if (!Number.isNaN(atMs)) return Math.max(0, Math.floor(atMs / 1_000));
  return typeof created === "number" && Number.isSafeInteger(created) && created > 0 ? created : 0;
}
