/* The variables of every service that keeps data in PostgreSQL. */

/** The variable that says where. */
export const databaseUrl = {
  kind: "postgres",
  required: true,
  description: "PostgreSQL that the services keep their data in, as the owner of the service's schema.",
} as const;

/** The variable that bounds the connections of a service. */
export const databasePoolSize = {
  kind: "int",
  default: 10,
  min: 2,
  max: 500,
  description: "Most connections of one service to PostgreSQL; history takes six at least.",
} as const;

/** The variable that says whether a service migrates its schema. */
export const databaseMigrate = {
  kind: "bool",
  default: true,
  description: "Brings the service's schema up to date at the start.",
} as const;
