import { persistently } from "../../shared/persistently.ts";
import type { GatewayContext } from "../context.ts";
import { isFile, uploadNotes } from "../domain/form.ts";
import type { Ask } from "./ask.ts";

/** Largest body that is kept; a larger one leaves only its size. */
const maxBytes = 4 * 1024 * 1024;

/** Has history keep what a request says, of an account that wants it. Nobody waits for it, and it is counted among what must be stored. */
export function keepRequest(context: GatewayContext, ask: Ask): void {
  const { incoming, principal } = ask;
  const content = contentOf(ask);
  context.running.finish(content.length, async () => {
    try {
      await persistently(() =>
        context.history.keepRequest(
          { requestId: incoming.id, accountId: principal.accountId, content },
          {
            requestId: incoming.id,
            traceparent: incoming.span.traceparent,
            timeoutMs: context.config.finishTimeoutMs,
          },
        ),
      );
    } catch (error) {
      context.log.error({ err: error, request_id: incoming.idText }, "what a request said could not be kept");
    }
  });
}

/** The body; of a form its fields, and of its files what they are, never their bytes. */
function contentOf({ body, upload }: Ask): Uint8Array {
  if (upload === undefined) return body.length <= maxBytes ? body : omitted(body.length);
  const fields = upload.parts.flatMap((part) => (isFile(part) ? [] : [[part.name, part.value]]));
  const form = Buffer.from(JSON.stringify({ form: fields, files: uploadNotes(upload) }));
  return form.length <= maxBytes ? form : omitted(form.length);
}

function omitted(bytes: number): Buffer {
  return Buffer.from(JSON.stringify({ omitted_bytes: bytes }));
}
