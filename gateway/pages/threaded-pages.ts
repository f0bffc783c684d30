import type { CallOptions } from "../../shared/rpc/index.ts";
import { type Thread, ThreadGone } from "../../shared/thread/thread.ts";
import type { JsonChunks } from "../answers/json-in-pieces.ts";
import type { PageAsked, Pages } from "./pages.ts";

/** A page of more records is long. */
const longPage = 50;

/** What a request says of the size of its page. */
interface Sized {
  readonly pageSize?: number | undefined;
  readonly limit?: number | undefined;
}

/**
 * Has long pages written by a thread of their own, which is started by the first of them. Whatever the thread cannot answer is
 * written here: the pages that come before it is ready, and those that it had when it ended. They are only read, so that twice is as good as once.
 */
export function createThreadedPages(here: Pages, thread: Thread): Pages {
  async function elsewhere(asked: PageAsked, options: CallOptions): Promise<JsonChunks> {
    const startMs = performance.now();
    try {
      return (await thread.call(asked, options)) as JsonChunks;
    } catch (error) {
      if (!(error instanceof ThreadGone)) throw error;
      return here.write(asked, { ...options, timeoutMs: options.timeoutMs - (performance.now() - startMs) });
    }
  }

  return {
    write: (asked, options) =>
      isLong(asked) && thread.ready() ? elsewhere(asked, options) : here.write(asked, options),
  };
}

/** 50 is also what a list has where nothing is said. */
function isLong({ kind, request }: PageAsked): boolean {
  const { pageSize, limit }: Sized = request;
  return kind === "export" || (pageSize ?? limit ?? 0) > longPage;
}
