import type { ChannelBatches } from "./types.ts";

/** What a vendor takes as one batch. */
export interface VendorBatches {
  /** All lines must name the same model. */
  readonly oneModel: boolean;
  /** The lines are a file that is uploaded first; else they are the body of the batch's creation. */
  readonly uploads: boolean;
  readonly mostLines: number;
  readonly mostBytes: number;
  /** What the vendor's own list charges for a line of a batch, in parts per million of what the request costs at once. */
  readonly listRatioPpm: number;
}

/** Adapters whose vendors have batches of their own, as their documents had them in 2026-11. */
const vendors: Readonly<Partial<Record<string, VendorBatches>>> = {
  openai: { oneModel: true, uploads: true, mostLines: 50_000, mostBytes: 200_000_000, listRatioPpm: 500_000 },
  anthropic: { oneModel: false, uploads: false, mostLines: 100_000, mostBytes: 256_000_000, listRatioPpm: 500_000 },
};

/** What clients pay for a line of a vendor's batch where its channel does not say it, in parts per million of what the request costs at once. */
export const usualBatchPricePpm = 500_000;

/** What the vendor of an adapter takes as a batch; undefined: it has none. */
export function vendorBatches(adapter: string): VendorBatches | undefined {
  return vendors[adapter];
}

/** The vendor's batches that a channel uses, with what its lines are charged by; undefined: it uses none. */
export function batchesOf(
  { adapter, batches }: { readonly adapter: string; readonly batches?: ChannelBatches },
  groupRatioPpm: number,
): (VendorBatches & { readonly groupRatioPpm: number }) | undefined {
  const vendor = vendors[adapter];
  if (batches === undefined || vendor === undefined) return undefined;
  const { priceRatioPpm, listRatioPpm = vendor.listRatioPpm } = batches;
  return { ...vendor, listRatioPpm, groupRatioPpm: Math.round((groupRatioPpm * priceRatioPpm) / 1_000_000) };
}
