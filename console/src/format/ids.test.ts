import fc from "fast-check";
import { expect, test } from "vitest";
import { idIn } from "./ids.ts";

const ids = [
  "767212140985061376",
  "20250428022708uweaaaaa",
  "chatcmpl-767212140985061376",
  "msg_767212140985061376",
  "resp_20250428022708uweaaaaa",
  "job_767212140985061376",
  "rerank-767212140985061376",
  "batch_req_767212140985061376",
  "rs_767212140985061376_0",
  "0aa5afb52dc810007a5b0c1de3f24968",
  "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
];

/** How people have an ID when they paste it. */
const wrappings: readonly ((id: string) => string)[] = [
  (id) => id,
  (id) => `  ${id}\n`,
  (id) => `"${id}",`,
  (id) => `x-request-id: ${id}`,
  (id) => `< x-oneapi-request-id: ${id}\r\n< content-type: application/json`,
  (id) => `{"type":"error","error":{"code":"upstream_error","request_id":"${id}"}}`,
  (id) => `{"level":"info","time":"2026-11-30T07:05:55.302Z","request_id":"${id}","status":502,"duration_ms":13.2}`,
  (id) => `https://llm.example.com/console/requests/${id}`,
  (id) => `http://127.0.0.1:16686/trace/${id}?uiFind=gateway`,
  (id) => `Hi, since this morning I get errors, for example (${id}). Can you help?`,
  (id) => `request_id=${id} trace`,
  (id) => `ID：${id}。`,
];

test.each(ids)("%s is found however it is pasted", (id) => {
  for (const wrap of wrappings) expect([wrap(id), idIn(wrap(id))]).toEqual([wrap(id), id]);
});

test.each(["order-77", "req_011CVxuhCvXbbnYVDAbVY", "gen-1719.ABC", "客户单号7"])(
  "an upstream's or the client's own ID is taken as it stands: %s",
  (id) => {
    expect(idIn(id)).toBe(id);
    expect(idIn(` '${id}' `)).toBe(id);
  },
);

test("no paste takes long, fails, or gives what is not in it", () => {
  expect(idIn("")).toBeUndefined();
  expect(idIn(" \n\t\"' ")).toBeUndefined();
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (pasted) => {
      const id = idIn(pasted);
      if (id !== undefined) expect(pasted).toContain(id);
    }),
  );
  expect(idIn(`${"a ".repeat(200_000)}767212140985061376`)).toBeUndefined();
});
