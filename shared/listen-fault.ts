import { ConfigError } from "./config-error.ts";

/**
 * Why nothing can listen at an address, in one line with the variables that say another. Gives a ConfigError.
 *
 * @param at address and port.
 * @param variables those that name it, the one that is most likely at fault first.
 */
export function listenFault(at: string, variables: readonly [string, ...string[]], cause: unknown): ConfigError {
  // grpc-js has the code in its words alone.
  const code = /\bE[A-Z]{3,}\b/.exec(`${String(Reflect.get(Object(cause), "code"))} ${String(cause)}`)?.[0];
  const why = code === "EADDRINUSE" ? "is in use by another program" : `cannot be used (${code ?? String(cause)})`;
  return new ConfigError(
    variables[0],
    `${at} ${why}; ${variables.join(" and ")} say${variables.length === 1 ? "s" : ""} another`,
  );
}
