import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { OriginSchema } from "../../../shared/gen/throughline/common/v1/common_pb.ts";
import { BatchLineSchema } from "../../../shared/gen/throughline/jobs/v1/batches_pb.ts";
import { InvokeItemSchema, RequestFactsSchema } from "../../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { lineRequest } from "./line-request.ts";

/* A line is recorded and charged for whom it names; tags are those of its batch. */

const origin = create(OriginSchema, { path: "/v1/batches", metadataJson: '{"of":"the batch"}' });
const line = { endUser: "alice", metadataJson: '{"of":"the line"}' };

test.each([
  ["an API key's", { endUser: "batch" }, line, { endUser: "alice", userId: "" }],
  ["an API key's that names nobody", { endUser: "batch" }, {}, { endUser: "batch", userId: "" }],
  ["a back end's", { fromAppserver: true }, line, { endUser: "alice", userId: "alice" }],
  ["a user's own key's", { userId: "eve", endUser: "eve" }, line, { endUser: "eve", userId: "eve" }],
])("%s line", (_whose, given, said, expected) => {
  const facts = create(RequestFactsSchema, { ...given, tags: ["nightly"], origin });
  const row = { request_id: 5n, tries: 0 } as Parameters<typeof lineRequest>[0]["row"];
  const batch = { facts: toBinary(RequestFactsSchema, facts) } as Parameters<typeof lineRequest>[1];
  for (const item of [undefined, create(InvokeItemSchema, { facts })]) {
    const request = lineRequest({ row, said: create(BatchLineSchema, said), item }, batch, "openai.chat");
    expect(request.facts).toMatchObject({ ...expected, tags: ["nightly"] });
    expect(request.facts.origin).toMatchObject({
      path: "/v1/batches",
      metadataJson: said === line ? line.metadataJson : "",
    });
  }
  // Other lines share the facts of their route.
  expect(origin.metadataJson).toBe('{"of":"the batch"}');
});
