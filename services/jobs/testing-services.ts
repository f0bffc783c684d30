import {
  BillingService,
  type ExtendRequest,
  LedgerKind,
  type ListBudgetUseRequest,
  type ListLedgerRequest,
  type Reservation,
  type ReserveItem,
  type SettleItem,
  type Settlement,
  type SplitReservationRequest,
} from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { HistoryService, type Recorded, type RecordItem } from "../../shared/gen/throughline/history/v1/history_pb.ts";
import {
  type Frame,
  type InvokeItem,
  type Outcome,
  ProviderService,
} from "../../shared/gen/throughline/provider/v1/provider_pb.ts";
import { RoutingService } from "../../shared/gen/throughline/routing/v1/routing_pb.ts";
import {
  batchHandler,
  createInProcessClient,
  defineService,
  type HandlersOf,
  streamHandler,
  unaryHandler,
} from "../../shared/rpc/index.ts";
import { answerInvoke } from "./testing-provider.ts";
import type { World } from "./testing-world.ts";

/** The four services that jobs calls, as they are in a world. */
export function createTestServices(world: World) {
  const provider = createInProcessClient(
    stub(ProviderService, {
      invoke: streamHandler<InvokeItem, Frame, Outcome>(answerInvoke(world)),
    }),
  );
  const billing = createInProcessClient(
    stub(BillingService, {
      settle: batchHandler<SettleItem, Settlement>(async (calls) =>
        calls.map(({ item, requestId }) => {
          world.fault("settle", true);
          world.settleCalls.push(item);
          world.settledIds.push(requestId);
          const repeatedCall = world.settled.has(requestId);
          if (!repeatedCall) world.settled.set(requestId, item);
          world.fault("settle", false);
          // A repeat does not say the list price, as billing's does not.
          const listPrice = repeatedCall ? {} : { listPriceNanoUsd: 4n };
          return { reservedNanoUsd: 10n, billedNanoUsd: 5n, reason: "usage", repeatedCall, ...listPrice };
        }),
      ),
      listLedger: unaryHandler(async ({ entryIds }: ListLedgerRequest) => ({
        entries: entryIds
          .filter((id) => world.settled.has(id))
          .map((entryId) => ({ entryId, kind: LedgerKind.CHARGE, amountNanoUsd: -5n, listPriceNanoUsd: 4n })),
      })),
      listBudgetUse: unaryHandler(async ({ accountIds }: ListBudgetUseRequest) => ({
        budgets: world.budgets.filter(({ accountId = 0n }) => accountIds.includes(accountId)),
      })),
      splitReservation: unaryHandler(async ({ parts }: SplitReservationRequest) => {
        const ids = parts.map(({ requestId }) => requestId);
        world.splits.push(ids);
        return { unheldRequestIds: world.isHeld ? [] : ids };
      }),
      reserve: batchHandler<ReserveItem, Reservation>(async (calls) =>
        calls.map(({ requestId, item }) => {
          world.reserved.add(requestId);
          return { reservedNanoUsd: item.amountNanoUsd };
        }),
      ),
      extend: unaryHandler(async ({ requestIds }: ExtendRequest) => {
        for (const id of requestIds) world.extended.add(id);
        return {};
      }),
    }),
  );
  const history = createInProcessClient(
    stub(HistoryService, {
      record: batchHandler<RecordItem, Recorded>(async (calls) =>
        calls.map(({ item: { record } }) => {
          world.fault("record", true);
          if (record !== undefined) world.recorded.push(record);
          world.fault("record", false);
          return {};
        }),
      ),
    }),
  );
  const routing = createInProcessClient(
    stub(RoutingService, {
      listChannels: unaryHandler(async () => ({
        channels: Object.keys(world.channels).map((name) => ({ name, platform: "stub", enabled: true })),
        health: Object.entries(world.channels).map(([channel, open]) => ({ channel, open })),
      })),
    }),
  );
  return { provider, billing, history, routing };
}

function stub<S extends Parameters<typeof defineService>[0]>(desc: S, handlers: Partial<HandlersOf<S>>) {
  const all: Record<string, unknown> = {};
  for (const method of desc.methods) {
    const missing = () => Promise.reject(new Error(`there is no stub for ${method.name}`));
    all[method.localName] = method.methodKind === "unary" ? unaryHandler(missing) : batchHandler(missing);
  }
  return defineService(desc, { ...all, ...handlers } as HandlersOf<S>);
}
