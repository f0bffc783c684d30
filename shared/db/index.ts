export * from "./arrays.ts";
export { quoteIdentifier, quoteTable } from "./connection.ts";
export type { CopyOptions, CopySource } from "./copy.ts";
export {
  createDatabase,
  type Database,
  type DatabaseOptions,
  type Queryable,
  type TransactionOptions,
} from "./database.ts";
export type { DatabaseLog } from "./database-log.ts";
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from "./embedded/start.ts";
export { constraintOf, sqlStateOf, sqlStates } from "./faults.ts";
export { type MigrateOptions, type Migration, migrate } from "./migrate.ts";
export { type Statement, statement } from "./statement.ts";
