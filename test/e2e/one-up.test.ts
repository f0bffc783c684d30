import { afterAll, beforeAll } from "vitest";
import { adminKey } from "./administration.ts";
import { type Deployment, startDeployment } from "./deployment.ts";
import { fuzzTests } from "./one-up/fuzz.ts";
import { idempotencyTests } from "./one-up/idempotency.ts";
import { policiesTests } from "./one-up/policies.ts";

/*
 * What needs a whole Throughline and nothing of its own shares this one: each takes nearly three seconds of CPU to start and stop.
 * What minds the health of channels needs its own, for here upstreams fail.
 */

let house: Deployment;
beforeAll(async () => {
  house = await startDeployment("up", { THROUGHLINE_ADMIN_KEY: adminKey, LOG_LEVEL: "warn" });
}, 60_000);
afterAll(() => house?.[Symbol.asyncDispose](), 60_000);

const given = () => house;
idempotencyTests(given);
policiesTests(given);
fuzzTests(given);
