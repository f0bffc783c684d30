import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Frame, InvokeItem, Outcome } from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { streamHandler } from "../../shared/rpc/index.ts";
import { secrets, startTestGateway, writeFrames } from "../testing.ts";

/* What uploads hold is counted in bytes of buffers, those that wait for a collection among them. */

const mib = 1024 * 1024;
const uploads = { count: 6, bytes: 8 * mib };
/** Most memory that all uploads may take together; they carry 48 MiB in and out again. */
const mostBytes = 24 * mib;

test("uploads at once hold a few buffers each, and what they let go of is freed at their pace", async () => {
  const directory = await mkdtemp(join(tmpdir(), "upload-memory-"));
  const digests: string[] = [];
  const invoke = streamHandler<InvokeItem, Frame, Outcome>(async (call, out) => {
    const hash = createHash("sha256");
    for await (const piece of call.body?.from(0) ?? []) hash.update(piece);
    digests.push(hash.digest("hex"));
    writeFrames(out, ['{"text":"hello"}']);
    return { usage: {}, firstByte: true };
  });
  await using gateway = await startTestGateway({ provider: { invoke } }, { spoolDir: directory });
  const piece = Buffer.alloc(mib, "audio of no format. ");
  const head = `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`;
  const end = "\r\n--b--\r\n";
  const length = head.length + uploads.bytes + end.length;

  async function upload(): Promise<string> {
    const socket = connect(gateway.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString();
    });
    socket.write(
      `POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secrets.api}\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${length}\r\n\r\n${head}`,
    );
    for (let sent = 0; sent < uploads.bytes; sent += piece.length) {
      if (!socket.write(piece)) await once(socket, "drain");
    }
    socket.write(end);
    await once(socket, "close");
    return answer;
  }

  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const looks = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }, 2);
  const answers = await Promise.all(Array.from({ length: uploads.count }, upload));
  clearInterval(looks);
  expect(answers.map((answer) => answer.slice(0, 12))).toEqual(Array(uploads.count).fill("HTTP/1.1 200"));
  const whole = createHash("sha256");
  for (let sent = 0; sent < uploads.bytes; sent += piece.length) whole.update(piece);
  expect(new Set(digests)).toEqual(new Set([whole.digest("hex")]));
  expect(most).toBeLessThan(mostBytes);
  await rm(directory, { recursive: true, force: true });
});
