import type { PageAsked } from "../../gateway/pages/pages.ts";
import { createPages, type PageView } from "../../gateway/pages/write-pages.ts";
import { type PagesConfig, startPages } from "../../services/history/server/pages.ts";
import type { LogOptions } from "../../shared/log.ts";
import { createLog } from "../../shared/log.ts";
import { besideRequests, createPacing } from "../../shared/pace.ts";
import { joinRequestCount } from "../../shared/request-count.ts";
import { createInProcessClient } from "../../shared/rpc/index.ts";
import { serveThread } from "../../shared/thread/serve.ts";

/** What the thread of long pages is told at its start. */
export interface PagesThreadData {
  readonly history: PagesConfig;
  readonly view: PageView;
  readonly logLevel: LogOptions["level"];
  /** Memory of the count of requests that run, to which it gives way. */
  readonly requests: SharedArrayBuffer;
}

/** 25 here take a third more CPU; nobody else waits for this thread than others who read pages. */
const atOnce = 100;
/** A write of a page's bytes costs 50 us each. */
const chunkCharacters = 128 * 1024;

await serveThread(async (data) => {
  const { history, view, logLevel, requests } = data as PagesThreadData;
  const log = createLog({ service: "history", level: logLevel ?? "info" });
  const pacing = createPacing({ pieces: besideRequests, requests: joinRequestCount(requests) });
  const service = startPages(history, { log, pacing });
  const client = createInProcessClient(service.definition, { pacing, log });
  const pages = createPages({ history: client, view, pacing, atOnce, chunkCharacters, encoded: true });
  return {
    async run(input, options) {
      const page = await pages.write(input as PageAsked, options);
      return {
        output: page,
        transfer: page.chunks.flatMap((chunk) => (typeof chunk === "string" ? [] : chunk.buffer)),
      };
    },
    async stop() {
      await client.close();
      await service.stop();
    },
  };
});
