/** Base URL of an HTTP server of this machine that listens on `host`; of one that listens on all addresses, on loopback. */
export function httpUrl(host: string, port: number): string {
  const asked = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${asked.includes(":") ? `[${asked}]` : asked}:${port}`;
}
