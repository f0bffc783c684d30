import { defineConfig } from "tsdown";

/** One file with all that it needs in it, so that `npx` has nothing else to fetch. */
export default defineConfig({
  entry: { throughline: "../remote.ts" },
  format: ["esm"],
  platform: "node",
  target: "node22",
  dts: false,
  deps: { alwaysBundle: [/.*/], onlyBundle: false },
  minify: "dce-only",
  outputOptions: { codeSplitting: false },
  tsconfig: "../../tsconfig.json",
});
