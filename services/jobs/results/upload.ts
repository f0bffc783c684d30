import type { BodySource } from "../../../shared/rpc/index.ts";
import type { ObjectStore, OwnedObject } from "../objects/store.ts";

/** The bytes of a call's form as the provider asks for them; undefined: it has no form. */
export function uploadOf(objects: ObjectStore, object: OwnedObject, length: number): BodySource | undefined {
  if (object.id === 0n) return undefined;
  return {
    length,
    read: async (offset, maxBytes) => (await objects.read(object, offset, maxBytes)).bytes,
  };
}
