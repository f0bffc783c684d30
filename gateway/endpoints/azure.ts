import { isFile, type Upload } from "../domain/form.ts";
import type { Demand } from "../story/demand.ts";

/** Name of the parameter that holds a deployment. */
export const deploymentParam = ":deployment";

/**
 * The paths of Azure's clients for OpenAI's: its newer ones (`/openai/v1/...`), and those that name a deployment, which here is a
 * model (`/openai/deployments/{model}/...?api-version=...`).
 */
export function azureRoutes(paths: readonly string[]): readonly string[] {
  return paths
    .filter((path) => path.startsWith("/v1/"))
    .flatMap((path) => [`/openai${path}`, `/openai/deployments/${deploymentParam}${path.slice("/v1".length)}`]);
}

interface Addressed {
  /** What the route read of the address. */
  readonly params: unknown;
}

/** The model that an address of Azure's names; it counts before what the body says, as there. */
export function deploymentOf({ params }: Addressed): string | undefined {
  const value: unknown = typeof params === "object" && params !== null ? Reflect.get(params, "deployment") : undefined;
  return typeof value === "string" ? value : undefined;
}

/** A demand of which the address names the model. */
export function withDeployment(demand: Demand, request: Addressed): Demand {
  const deployment = deploymentOf(request);
  return deployment === undefined ? demand : { ...demand, addressed: deployment };
}

/** A form whose model is the one that the address names. */
export function withModelPart(upload: Upload, request: Addressed): Upload {
  const value = deploymentOf(request);
  if (value === undefined) return upload;
  const others = upload.parts.filter((part) => isFile(part) || part.name !== "model");
  return { ...upload, parts: [{ name: "model", value }, ...others] };
}
