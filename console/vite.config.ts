import { defineConfig } from "vite";

/** Where the gateway is while the console is worked on (npm run dev --workspace console). */
const gateway = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/console/",
  // The client's sources, so that nothing needs to be built before this.
  resolve: { conditions: ["throughline-source", "module", "browser", "development|production"] },
  oxc: { jsx: { runtime: "automatic" } },
  build: {
    target: "es2023",
    // The content security policy knows no inline script, so no polyfill for older browsers.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: { proxy: { "/trpc": gateway } },
});
