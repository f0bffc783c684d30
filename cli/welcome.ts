/** What a start tells of the first keys. */
export interface WelcomeKeys {
  /** The API key that was made just now; undefined: none was. */
  readonly made: string | undefined;
  /** True: THROUGHLINE_BOOTSTRAP_KEY is the key. */
  readonly given: boolean;
  /** Where the administration key is kept; undefined: it was given. */
  readonly adminKeyFile: string | undefined;
}

/**
 * What is printed when everything is up: base URL, key, and one call to paste. A key is shown when it is made and never
 * again: outputs of services are kept for years and read by many.
 */
export function welcome(baseUrl: string, keys: WelcomeKeys, upstreams: readonly string[], model: string): string {
  const shown = keys.made ?? (keys.given ? "$THROUGHLINE_BOOTSTRAP_KEY" : "$THROUGHLINE_KEY");
  return `
Throughline is ready.

  Base URL   ${baseUrl}/v1
  API key    ${keys.made ?? (keys.given ? "that of THROUGHLINE_BOOTSTRAP_KEY" : "(shown at the first start; make another with: npm run -s throughline -- keys create)")}
  Admin key  ${keys.adminKeyFile === undefined ? "that of THROUGHLINE_ADMIN_KEY" : `kept in ${keys.adminKeyFile}`}
  Upstreams  ${upstreams.join(", ")}

  curl -i ${baseUrl}/v1/chat/completions \\
    -H "Authorization: Bearer ${shown}" \\
    -H "Content-Type: application/json" \\
    -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'

`;
}
