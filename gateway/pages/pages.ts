import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  ExportRecordsRequestSchema,
  ListRecordsRequestSchema,
  QueryRecordsRequestSchema,
} from "../../shared/gen/throughline/history/v1/history_pb.ts";
import type { CallOptions } from "../../shared/rpc/index.ts";
import type { JsonChunks } from "../answers/json-in-pieces.ts";

/** Which page of records is wanted. Plain data, so that another thread may be asked. */
export type PageAsked =
  /** A page of the history API, by its number. */
  | { readonly kind: "query"; readonly request: MessageInitShape<typeof QueryRecordsRequestSchema> }
  /** A list by cursor of typed clients. */
  | { readonly kind: "list"; readonly request: MessageInitShape<typeof ListRecordsRequestSchema> }
  /** A part of an export. */
  | { readonly kind: "export"; readonly request: MessageInitShape<typeof ExportRecordsRequestSchema> };

/** Who reads pages of records and writes them down. */
export interface Pages {
  /** Gives a page as the JSON document that its client gets. Rejects as the call of history that it stands for. */
  write(asked: PageAsked, options: CallOptions): Promise<JsonChunks>;
}
