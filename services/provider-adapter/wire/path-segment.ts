import { ThroughlineError } from "../../../shared/errors/error.ts";

/**
 * A name that a client says, as one segment of a path. Throws invalid_value where it is "." or "..": no spelling of them is a
 * name, for whoever reads the address goes up by them, and would act on another path with the credential of the platform.
 */
export function pathSegment(name: string, param = "model"): string {
  if (name === "." || name === "..") {
    throw new ThroughlineError("invalid_value", `${param} has a part that no address can hold: "${name}".`, { param });
  }
  return encodeURIComponent(name);
}

/** A name whose parts are segments of a path. Throws as pathSegment, and where a part is empty. */
export function pathSegments(name: string): string[] {
  return name.split("/").map((part) => {
    if (part !== "") return pathSegment(part);
    throw new ThroughlineError("invalid_value", "model has an empty part.", { param: "model" });
  });
}
