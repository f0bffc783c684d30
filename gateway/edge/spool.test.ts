import { expect, test } from "vitest";
import { faultOfDisk } from "./spool.ts";

test.for([
  ["ENOSPC", 503],
  ["EDQUOT", 503],
  ["EMFILE", 503],
  ["ENFILE", 503],
  ["ENOENT", 500],
  ["EACCES", 500],
  ["EIO", 500],
] as const)(
  "an upload that the disk does not take (%s) is answered with %i, and the cause stays in the log",
  ([code, status]) => {
    const cause = Object.assign(new Error("write failed"), { code });
    expect(faultOfDisk(cause)).toMatchObject({ httpStatus: status, cause });
  },
);
