#!/usr/bin/env node
import manifest from "./packed/package.json" with { type: "json" };
import { administration, createProgram } from "./program.ts";

/*
 * What `npx @throughline/cli` runs: administration from any machine, of the gateway at THROUGHLINE_URL.
 */

const program = createProgram(manifest.version);
for (const register of administration) register(program);
await program.parseAsync();
