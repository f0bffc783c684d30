import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { AccountSchema, AccountState } from "../../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { creationDigest, toAccountFields } from "./account-message.ts";

const digestOf = (account: Parameters<typeof create<typeof AccountSchema>>[1]): string =>
  creationDigest(toAccountFields(create(AccountSchema, account))).toString("hex");
const first = { name: "default", group: "default", state: AccountState.ACTIVE };

test("the first account of every data folder is created again at each start: its digest stays what it was", () => {
  expect(digestOf(first)).toBe("85c2a111b96e49a16c3a6e2940b5355f4eddca4275a707947c42166294029ccc");
});

test("what is not as it was before a field came makes another creation", () => {
  const digests = [
    {},
    { operator: true },
    { limits: { concurrentJobs: 1 } },
    { limits: { concurrentRequests: 1 } },
  ].map((more) => digestOf({ ...first, ...more }));
  expect(new Set(digests).size).toBe(4);
});
