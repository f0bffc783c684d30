import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type HistoryService,
  type QueryRecordsRequestSchema,
  type QueryRecordsResponse,
  RestOfPageSchema,
  type StoredRecord,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { Pacing } from "../../shared/pace.ts";
import type { CallOptions, ServiceClient } from "../../shared/rpc/index.ts";
import { documentInPieces, type JsonChunks } from "../answers/json-in-pieces.ts";
import type { GatewayConfig } from "../config.ts";
import { historyItem } from "../view/history-item.ts";
import { requestRow, requestWithResponse } from "../view/request-life.ts";
import type { PageAsked, Pages } from "./pages.ts";

/** How records are shown. */
export type PageView = Pick<GatewayConfig, "idStyle" | "traceUiUrl">;

/** What pages are written with. */
export interface PageWriting {
  readonly history: Pick<
    ServiceClient<typeof HistoryService>,
    "queryRecords" | "readRecords" | "listRecords" | "exportRecords"
  >;
  readonly view: PageView;
  readonly pacing: Pacing;
  /** Records of a page by number that are read in one go. */
  readonly atOnce: number;
  /** Characters of a chunk. */
  readonly chunkCharacters: number;
  /** Whether chunks are bytes, for another thread. */
  readonly encoded?: boolean;
}

type Asked<Kind extends PageAsked["kind"]> = Extract<PageAsked, { kind: Kind }>["request"];

/** Writes pages on the calling thread, in pieces between which others have their turn. */
export function createPages(writing: PageWriting): Pages {
  return {
    write: (asked, options) => {
      switch (asked.kind) {
        case "query":
          return query(writing, asked.request, options);
        case "list":
          return list(writing, asked.request, options);
        case "export":
          return exported(writing, asked.request, options);
      }
    },
  };
}

async function query(writing: PageWriting, request: Asked<"query">, options: CallOptions): Promise<JsonChunks> {
  const { history, view, atOnce } = writing;
  const page = await history.queryRecords({ ...request, atOnce }, options);
  const document = documentOf(writing);
  await document.list('{"data":[', wholePage(page, writing, request, options), (record) =>
    historyItem(record, view.idStyle),
  );
  return document.end(`],"has_more":${page.hasMore}}`);
}

/**
 * The records of a page, the later ones read while those before are written. In one go a page of 3 MB is decoded on the thread
 * that serves everybody, and is as much work for the collector of garbage as for all the rest.
 */
async function* wholePage(
  { records, rest }: QueryRecordsResponse,
  { history, atOnce }: Pick<PageWriting, "history" | "atOnce">,
  { owner }: MessageInitShape<typeof QueryRecordsRequestSchema>,
  options: CallOptions,
): AsyncGenerator<StoredRecord> {
  const { requestIds, maxResponseBytes, mayRun } = rest ?? create(RestOfPageSchema);
  const readFrom = (from: number) => {
    if (from >= requestIds.length) return undefined;
    const of = { requestIds: requestIds.slice(from, from + atOnce), maxResponseBytes, mayRun };
    const reading = history.readRecords({ ...(owner && { owner }), of }, options);
    // Should what is before it fail to be written, nobody waits for it.
    reading.catch(() => undefined);
    return reading;
  };
  let next = readFrom(0);
  yield* records;
  for (let from = atOnce; next !== undefined; from += atOnce) {
    const read = await next;
    next = readFrom(from);
    yield* read.records;
  }
}

async function list(writing: PageWriting, request: Asked<"list">, options: CallOptions): Promise<JsonChunks> {
  const { history, view } = writing;
  const { records, nextCursor } = await history.listRecords(request, options);
  const document = documentOf(writing);
  await document.list('{"requests":[', records, (record) => requestRow(record, view));
  await document.list('],"details":[', request.withPayload ? records : [], (record) =>
    requestWithResponse(record, view),
  );
  return document.end(`],"next_cursor":${nextCursor === 0n ? "null" : `"${nextCursor}"`}}`);
}

async function exported(writing: PageWriting, request: Asked<"export">, options: CallOptions): Promise<JsonChunks> {
  const { history, view } = writing;
  const { records, nextCursor, more } = await history.exportRecords(request, options);
  const document = documentOf(writing);
  await document.list('{"requests":[', records, (record) => requestWithResponse(record, view));
  return document.end(`],"next_cursor":${JSON.stringify(nextCursor)},"more":${more}}`);
}

function documentOf({ pacing, ...how }: PageWriting) {
  return documentInPieces({ pace: pacing.pace(), ...how });
}
