import { expect, test } from "vitest";
import type { GatewayContext } from "../../context.ts";
import { inputLines } from "./input-file.ts";

/** The lines of a file with this text. */
async function linesOf(text: string) {
  const file = Buffer.from(text);
  const readObject = async ({ offset }: { offset: bigint }) => ({ data: file.subarray(Number(offset)) });
  const context = { jobs: { readObject }, config: { bodyLimitBytes: 1_000 } } as unknown as GatewayContext;
  const given = { fileId: 1n, bytes: BigInt(file.length) } as Parameters<typeof inputLines>[1];
  const lines: { customId: string; bytes: string }[] = [];
  for await (const { customId, bytes } of inputLines(context, given, 7n, "/v1/embeddings", { timeoutMs: 1 })) {
    lines.push({ customId, bytes: bytes.toString() });
  }
  return lines;
}

const envelope = '"method":"POST","url":"/v1/embeddings"';
const line = `{"custom_id":"a",${envelope},"body":{"input":"x"}}`;

test("lines come as they stand in the file, whatever ends them", async () => {
  const lines = [line, "", line.replace('"a"', '"b"'), " "].join("\r\n");
  expect(await linesOf(`\ufeff${lines}`)).toEqual([
    { customId: "a", bytes: '{"input":"x"}' },
    { customId: "b", bytes: '{"input":"x"}' },
  ]);
});

test.each([
  ["custom_id", line.replace("{", '{"custom_id":"b",')],
  ["custom_id", line.replace("{", '{"custom\\u005fid":"b",')],
  ["method", line.replace("{", '{"method":"GET",')],
  ["url", line.replace("{", '{"url":"/v1/chat/completions",')],
  ["body", line.replace("{", '{"body":{"model":"dear"},')],
])("a line that has %s twice says two things, and its file is refused", async (name, text) => {
  await expect(linesOf(`${line.replace('"a"', '"z"')}\n${text}`)).rejects.toMatchObject({
    code: "invalid_value",
    param: "input_file_id",
    message: `Line 2 has ${name} twice.`,
  });
});

test("a name that stands twice within a body is the line's own failure", async () => {
  const body = '{"input":"x","input":"y"}';
  expect(await linesOf(line.replace('{"input":"x"}', body))).toEqual([{ customId: "a", bytes: body }]);
});
