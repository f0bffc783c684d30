/** What is printed when everything is up: base URL, key, and one call to paste. */
export function welcome(baseUrl: string, secret: string | undefined, upstreams: readonly string[]): string {
  const shown = secret ?? "$THROUGHLINE_KEY";
  return `
Throughline is ready.

  Base URL   ${baseUrl}/v1
  API key    ${secret ?? "(shown at the first start; make another with: npm run -s throughline -- keys create)"}
  Upstreams  ${upstreams.join(", ")}

  curl -i ${baseUrl}/v1/chat/completions \\
    -H "Authorization: Bearer ${shown}" \\
    -H "Content-Type: application/json" \\
    -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}'

`;
}
