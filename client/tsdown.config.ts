import { defineConfig } from "tsdown";

/** One file of each kind: ESM and CommonJS, each with its types. */
export default defineConfig({
  entry: ["index.ts"],
  format: ["esm", "cjs"],
  platform: "neutral",
  target: "es2022",
  dts: true,
  // tRPC's types name what only newer targets have; where a project sets an older one they would not be found.
  banner: { dts: '/// <reference lib="es2022" />\n/// <reference lib="esnext.disposable" />' },
  tsconfig: "tsconfig.json",
});
