import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { expect, test } from "vitest";
import { secrets, startTestGateway } from "../gateway/testing.ts";
import type { ListLedgerRequest } from "../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { ListRecordsRequest } from "../shared/gen/throughline/history/v1/history_pb.ts";
import { unaryHandler } from "../shared/rpc/index.ts";
import { type AppRouter, createThroughline } from "./index.ts";

test("endless lists of TanStack Query go on by the cursor, page after page, by any list that has one", async () => {
  const asked: bigint[] = [];
  await using gateway = await startTestGateway({
    history: {
      listRecords: unaryHandler(async ({ cursor }: ListRecordsRequest) => {
        asked.push(cursor);
        return { records: [], nextCursor: cursor === 0n ? 77n : 0n };
      }),
    },
    billing: {
      listLedger: unaryHandler(async ({ cursor }: ListLedgerRequest) => ({ nextCursor: cursor ? "" : "next" })),
    },
  });
  const queryClient = new QueryClient();
  const client = createThroughline({ url: gateway.url, key: secrets.cli });
  const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });
  const next = { getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor };
  const requests = trpc.requests.list.infiniteQueryOptions({ filter: { statuses: ["failed"] } }, next);
  const { pages } = await queryClient.fetchInfiniteQuery({ ...requests, ...next, pages: 5 });
  expect(pages.map(({ next_cursor }) => next_cursor)).toEqual(["77", null]);
  expect(asked).toEqual([0n, 77n]);
  const ledger = trpc.ledger.list.infiniteQueryOptions({ account_id: "1" }, next);
  const told = await queryClient.fetchInfiniteQuery({ ...ledger, ...next, pages: 5 });
  expect(told.pages.map(({ next_cursor }) => next_cursor)).toEqual(["next", null]);
});

test("TanStack Query asks and keeps what the router gives, typed", async () => {
  await using gateway = await startTestGateway({
    billing: { listKeys: unaryHandler(async () => ({ keys: [{ keyId: 7n, name: "console" }], hasMore: false })) },
  });
  const queryClient = new QueryClient();
  const client = createThroughline({ url: gateway.url, key: secrets.cli });
  const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });
  const options = trpc.keys.list.queryOptions({ limit: 5 });
  const { keys } = await queryClient.fetchQuery(options);
  expect(keys.map(({ name }) => name)).toEqual(["console"]);
  expect(queryClient.getQueryData(options.queryKey)).toEqual({ keys, has_more: false });
  // @ts-expect-error a filter that is misspelt
  trpc.requests.list.queryOptions({ filter: { state: "failed" } });
});
