import { QueryClient } from "@tanstack/react-query";
import { createTRPCOptionsProxy } from "@trpc/tanstack-react-query";
import { expect, test } from "vitest";
import { secrets, startTestGateway } from "../gateway/testing.ts";
import { unaryHandler } from "../shared/rpc/index.ts";
import { type AppRouter, createThroughline } from "./index.ts";

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
