import type { Note } from "./formats.ts";
import { cannotExpress } from "./refuse.ts";
import { type NeutralRequest, searchName, type Tool } from "./request.ts";

/**
 * The request without tools that only another format knows, each of them noted: what a vendor does by itself is an offer
 * to the model as a rule, and the client's functions work without it. Throws invalid_value where the client insists: its
 * choice names such a tool, or demands a call and there is nothing else to call.
 *
 * @param format name of the upstream's format, whose own tools stay.
 */
export function withoutForeignTools(request: NeutralRequest, format: string, note: Note): NeutralRequest {
  const { tools, toolChoice, webSearch } = request;
  const isForeign = (tool: Tool) => tool.kind === "native" && tool.format !== format;
  const foreign = tools.filter(isForeign);
  if (foreign.length === 0) return request;
  const kept = tools.filter((tool) => !isForeign(tool));
  const nothingElse = kept.length === 0 && webSearch === undefined;
  const chosen = toolChoice?.kind === "named" ? toolChoice.name : undefined;
  const isThere = kept.some(({ name }) => name === chosen) || (chosen === searchName && webSearch !== undefined);
  for (const { at, name } of foreign) {
    if ((name === chosen && !isThere) || (toolChoice?.kind === "required" && nothingElse)) {
      throw cannotExpress(at, "its format has no such tool");
    }
    note(`${at} left out: the upstream has no such tool`);
  }
  return { ...request, tools: kept };
}
