import { expect, test } from "vitest";
import { readClientJson } from "./client-json.ts";

const many = `{${Array.from({ length: 20_001 }, (_, i) => `"name${i}":1`).join()}}`;

test.each<[Buffer, string]>([
  [Buffer.from([0x22, 0xff, 0x22]), "Line 7 is not valid UTF-8."],
  [Buffer.from(""), "Line 7 is empty."],
  [Buffer.from("{"), "Line 7 is not valid JSON."],
  [Buffer.from(`[${"[],".repeat(200_000)}[]]`), "Line 7 has more than 200000 objects and lists."],
  [Buffer.from(many), "Line 7 has more than 20000 names of fields, or orders of names, that differ."],
])("a text that cannot be read is refused by what is wrong", (bytes, message) => {
  expect(() => readClientJson(bytes, "Line 7", "input_file_id")).toThrow(
    expect.objectContaining({ code: "invalid_value", message, param: "input_file_id" }),
  );
});

test("a text that can be read comes with its value", () => {
  expect(readClientJson(Buffer.from('{"a":[1]}'), "Line 7")).toEqual({ value: { a: [1] }, twice: undefined });
});
