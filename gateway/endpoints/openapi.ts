import type { FastifyInstance } from "fastify";
import packageJson from "../../package.json" with { type: "json" };
import { moduleNameOf } from "../../shared/modules.ts";
import { everyKind } from "../edge/admission.ts";
import { type DescribedRoute, openApiDocument } from "./openapi-document.ts";

/**
 * GET /openapi.json: what the edge serves. Call it before the routes are entered: it describes those that come after it.
 */
export function openApi(edge: FastifyInstance): void {
  const routes: DescribedRoute[] = [];
  edge.addHook("onRoute", ({ method, url, schema, config }) => {
    const admission = config?.admission;
    if (admission === undefined) return;
    const { scope, endpoint } = admission;
    const body = (schema?.body ?? config?.described?.body) as object | undefined;
    const module = endpoint === undefined ? undefined : moduleNameOf(endpoint.module) || undefined;
    for (const one of [method].flat()) {
      routes.push({ method: one, url, body, form: config?.described?.form, scope, module });
    }
  });
  let text: string | undefined;
  edge.get(
    "/openapi.json",
    { config: { admission: { kinds: everyKind, freeRequests: 1, fresh: true } } },
    async (_request, reply) => {
      text ??= JSON.stringify(openApiDocument(routes, packageJson.version));
      return reply.type("application/json; charset=utf-8").send(text);
    },
  );
}
