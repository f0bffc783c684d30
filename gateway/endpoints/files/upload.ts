import type { FastifyInstance, FastifyRequest } from "fastify";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import type { GatewayContext } from "../../context.ts";
import { type FilePart, type Form, type FormSpec, readForm, type Upload } from "../../domain/form.ts";
import { type Admission, principalOf, publicKinds } from "../../edge/admission.ts";
import { checkFormHead, formMemoryBytes, receiveForm } from "../../edge/form.ts";
import { memoryBytes, openSpool } from "../../edge/spool.ts";
import { toFile } from "../../view/file.ts";
import { callOptions } from "../jobs/owned.ts";
import { sendObject } from "../objects/send.ts";
import { uploadPurposes, usualLifeMs } from "./purposes.ts";

/** POST /v1/files as a form. Its object is read by its two keys, which are fields of their own. */
const spec: FormSpec = {
  fields: { purpose: { kind: "text", required: true }, expires_after: { kind: "object" } },
  files: { file: { required: true, most: 1 } },
};

/** OpenAI's bounds of a file's life. */
const seconds = { least: 3_600, most: 2_592_000 };
/** A start may have to remove what an earlier one has left. */
const beginTimeoutMs = 30_000;

/** POST /v1/files: keeps a file. The form is spooled, then sent on to jobs in pieces: of neither there is more than a piece in memory. */
export function uploadFile(edge: FastifyInstance, context: GatewayContext): void {
  const { config, spool: room, spent } = context;
  const maxBytes = config.maxUploadBytes.files;
  const admission: Admission = { kinds: publicKinds, freeRequests: 1, fresh: true, memoryBytes: formMemoryBytes };
  void edge.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    // The form is received by the handler, which lets go of it in any case.
    scope.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    scope.post(
      "/v1/files",
      { bodyLimit: maxBytes, config: { admission, described: { form: spec } } },
      async (request) => {
        checkFormHead(request, maxBytes);
        const length = Number(request.headers["content-length"] ?? maxBytes);
        const spool = openSpool({ directory: config.spoolDir, room, spent }, length > memoryBytes ? length : 0);
        context.running.entered();
        try {
          return await keep(context, request, await receiveForm(request, spool, maxBytes));
        } finally {
          context.running.left();
          spool.release();
        }
      },
    );
    done();
  });
}

async function keep(context: GatewayContext, request: FastifyRequest, upload: Upload): Promise<object> {
  const form = readForm(spec, upload.parts);
  const [part] = form.files;
  if (part === undefined) throw new ThroughlineError("missing_required_field", "file is required.", { param: "file" });
  const purpose = purposeOf(form);
  const lifeMs = lifeOf(form) ?? usualLifeMs(purpose);
  const { accountId, keyId, userId } = principalOf(request);
  const fileId = request.incoming.id;
  const owner = { accountId, keyId, userId };
  const options = callOptions(context, request);
  const { filename, contentType, offset, length, sha256 } = part satisfies FilePart;
  await context.jobs.createFile(
    { fileId, owner, filename: filename || "file", purpose, contentType },
    { ...options, timeoutMs: beginTimeoutMs },
  );
  const object = { objectId: fileId, accountId, sha256, lifeMs, offset, length };
  await sendObject(context, request.incoming, upload.source, object);
  const { file } = await context.jobs.getFile({ owner, fileId }, options);
  if (file === undefined) throw new ThroughlineError("internal_error", "A file was kept and is not told.");
  return toFile(file);
}

function purposeOf(form: Form): string {
  const purpose = form.text("purpose") ?? "";
  if (uploadPurposes.includes(purpose)) return purpose;
  throw invalid("purpose", `purpose must be one of ${uploadPurposes.join(", ")}.`);
}

/** Milliseconds that the client wants it to be kept; undefined: it says nothing. */
function lifeOf(form: Form): number | undefined {
  // As one text it would be passed over, and the file be kept for longer than its client wants.
  if (form.text("expires_after") !== undefined) {
    throw invalid("expires_after", "expires_after is said as expires_after[anchor] and expires_after[seconds].");
  }
  const anchor = form.text("expires_after[anchor]");
  const given = form.text("expires_after[seconds]");
  if (anchor === undefined && given === undefined) return undefined;
  if (anchor !== "created_at") throw invalid("expires_after[anchor]", "expires_after[anchor] must be created_at.");
  const life = /^\d{1,10}$/.test(given ?? "") ? Number(given) : Number.NaN;
  if (!(life >= seconds.least && life <= seconds.most)) {
    throw invalid(
      "expires_after[seconds]",
      `expires_after[seconds] must be a whole number from ${seconds.least} to ${seconds.most}.`,
    );
  }
  return life * 1_000;
}

function invalid(param: string, message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param });
}
