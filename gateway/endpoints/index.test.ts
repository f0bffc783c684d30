import { expect, test } from "vitest";
import { endpointsOf, moduleNameOf, moduleNames } from "../../shared/modules.ts";
import { formEndpoints } from "./forms.ts";
import { endpoints } from "./index.ts";

test("the table of modules has the paths of the endpoints, so that routing offers what is served and says where", () => {
  for (const name of moduleNames) {
    // Videos are jobs: their endpoint is no row of these tables.
    if (name === "video") continue;
    const served = [...endpoints, ...formEndpoints]
      .filter(({ module }) => moduleNameOf(module) === name)
      .flatMap(({ paths }) => paths);
    expect([...endpointsOf(name)].sort(), name).toEqual([...served].sort());
  }
});
