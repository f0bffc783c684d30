import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { File } from "../../../shared/gen/throughline/jobs/v1/files_pb.ts";
import type { GatewayContext } from "../../context.ts";
import { type Admission, principalOf, publicKinds } from "../../edge/admission.ts";
import { fileId, toFile } from "../../view/file.ts";
import { requestOf } from "../chat/message-id.ts";
import { callOptions, jobOwner } from "../jobs/owned.ts";
import { giveObject } from "../objects/give.ts";
import { objectReader } from "../objects/read.ts";
import { pageOf } from "../page.ts";
import { listedPurposes } from "./purposes.ts";

/** OpenAI's page of files, as long as it may be; a shorter one is what this platform gives where nothing is asked. */
const pages = { usual: 100, most: 10_000 };
/** An upload that was begun in a bucket may have to be given up there. */
const deleteTimeoutMs = 60_000;

interface ById {
  Params: { id: string };
}

/** What a client does with its files: read, list, fetch, delete. */
export function files(edge: FastifyInstance, context: GatewayContext): void {
  const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true };
  const config = { admission };

  edge.get<ById>("/v1/files/:id", { config }, async (request) => toFile(await fileOf(context, request)));

  edge.get("/v1/files", { config }, async (request) => {
    const { after, limit, ascending } = pageOf(request.query, pages);
    const { files: found, hasMore } = await context.jobs.listFiles(
      { owner: jobOwner(request), purpose: purposeOf(request.query), afterFileId: after, limit, ascending },
      callOptions(context, request),
    );
    const ids = found.map((file) => fileId(file.fileId));
    return {
      object: "list",
      data: found.map(toFile),
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
      has_more: hasMore,
    };
  });

  edge.delete<ById>("/v1/files/:id", { config }, async (request) => {
    const { fileId: id } = await fileOf(context, request);
    const options = { ...callOptions(context, request), timeoutMs: deleteTimeoutMs };
    await context.jobs.deleteFile({ owner: jobOwner(request), fileId: id }, options);
    return { id: fileId(id), object: "file", deleted: true };
  });

  edge.get<ById>("/v1/files/:id/content", { config }, async (request, reply) => {
    const { fileId: objectId, bytes, contentType } = await fileOf(context, request);
    const { accountId } = principalOf(request);
    const read = objectReader(context, request, { objectId, accountId });
    await giveObject(request, reply, { bytes: Number(bytes), contentType, read });
  });
}

/** A file of the caller's. Throws not_found, in the same words for what is unknown and for another owner's. */
async function fileOf(context: GatewayContext, request: FastifyRequest<ById>): Promise<File> {
  const id = requestOf(request.params.id);
  if (id === undefined) throw noSuchFile();
  const { file } = await context.jobs.getFile({ owner: jobOwner(request), fileId: id }, callOptions(context, request));
  if (file === undefined) throw noSuchFile();
  return file;
}

function purposeOf(query: unknown): string {
  const given: unknown = typeof query === "object" && query !== null ? Reflect.get(query, "purpose") : undefined;
  if (given === undefined || given === "") return "";
  if (typeof given === "string" && listedPurposes.includes(given)) return given;
  throw new ThroughlineError("invalid_value", `purpose must be one of ${listedPurposes.join(", ")}.`, {
    param: "purpose",
  });
}

function noSuchFile(): ThroughlineError {
  return new ThroughlineError("not_found", "There is no such file.");
}
