import type { WireFormat } from "../exchange.ts";

const statusNames: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** Errors of the Gemini format. It has no request ID header; answers bear `responseId`. */
export const geminiFormat: WireFormat = {
  requestIdHeader: "",
  errorBody: ({ status, message, retryAfterSeconds }) =>
    JSON.stringify({
      error: {
        code: status,
        message,
        status: statusNames[status] ?? (status < 500 ? "INVALID_ARGUMENT" : "INTERNAL"),
        details:
          retryAfterSeconds > 0
            ? [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterSeconds}s` }]
            : [],
      },
    }),
};
