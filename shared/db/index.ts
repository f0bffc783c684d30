export * from "./arrays.ts";
export type { CopyOptions, CopySource } from "./copy.ts";
export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type Queryable,
  type TransactionOptions,
} from "./database.ts";
export type { DatabaseLog } from "./database-log.ts";
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  findEmbeddedPostgres,
  startEmbeddedPostgres,
} from "./embedded/start.ts";
export { constraintOf, sqlStateOf, sqlStates } from "./faults.ts";
export { createListener, type Listener, type ListenerOptions } from "./listener.ts";
export { type MigrateOptions, type Migration, migrate, UnreachableDatabase } from "./migrate.ts";
export { completeIndexes, hasWholeIndexes } from "./partition-indexes.ts";
export { dropPartitionsBelow, ensureRangePartitions, listRangePartitions, type RangePartition } from "./partitions.ts";
export { type Statement, statement } from "./statement.ts";
export { takesWrites } from "./takes-writes.ts";
