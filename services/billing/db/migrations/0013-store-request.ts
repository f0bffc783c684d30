import { statements } from "./statements.ts";

/** Whether history keeps what the requests of an account say: off unless it is switched on. */
export const addStoreRequest = statements(
  "alter table billing.account add column store_request boolean not null default false",
);
