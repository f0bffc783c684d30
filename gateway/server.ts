import { LRUCache } from "lru-cache";
import { httpUrl } from "../shared/http-url.ts";
import { createLineWriter } from "../shared/log.ts";
import type { MetricsServer, Standing } from "../shared/metrics-server.ts";
import { createPacing } from "../shared/pace.ts";
import { createSpentBuffers } from "../shared/spent-buffers.ts";
import { gatewaySpans } from "../shared/telemetry/spans/gateway.ts";
import { chunkCharacters } from "./answers/json-in-pieces.ts";
import { createOpenStreams } from "./answers/open-streams.ts";
import type { GatewayConfig } from "./config.ts";
import { startConfigurationTrail } from "./configuration-trail.ts";
import { serveConsole } from "./console/console.ts";
import { type GatewayContext, requestLineFields } from "./context.ts";
import type { GatewayDeps } from "./deps.ts";
import {
  countConnections,
  createBodyMemory,
  createSpoolRoom,
  descriptorLimit,
  limitConnections,
  shortageOf,
} from "./edge/capacity.ts";
import { assertNobodyListens, openDoors, sharesPort } from "./edge/doors.ts";
import { createEdge } from "./edge/edge.ts";
import { clientsLeave, farewellMs } from "./edge/farewell.ts";
import { createFreeLimits } from "./edge/free-limits.ts";
import { health } from "./edge/health.ts";
import { createRefusalCounts } from "./edge/refusal-counts.ts";
import { batches } from "./endpoints/batches/batches.ts";
import { createBatch } from "./endpoints/batches/create.ts";
import { countTokens } from "./endpoints/chat/count-tokens.ts";
import { inputTokens } from "./endpoints/chat/stored/input-tokens.ts";
import { responsesStore } from "./endpoints/chat/stored/responses-store.ts";
import { serveEndpoint } from "./endpoints/endpoint.ts";
import { files } from "./endpoints/files/files.ts";
import { uploadFile } from "./endpoints/files/upload.ts";
import { serveForms } from "./endpoints/form-endpoint.ts";
import { formEndpoints } from "./endpoints/forms.ts";
import { countGeminiTokens } from "./endpoints/gemini/count-tokens.ts";
import { historyQuery } from "./endpoints/history-query.ts";
import { imageVariations } from "./endpoints/images/variations.ts";
import { endpoints } from "./endpoints/index.ts";
import { callbacks } from "./endpoints/jobs/callbacks.ts";
import { jobs } from "./endpoints/jobs/jobs.ts";
import { me } from "./endpoints/me.ts";
import { messageBatches } from "./endpoints/message-batches/batches.ts";
import { createMessageBatch } from "./endpoints/message-batches/create.ts";
import { models } from "./endpoints/models.ts";
import { openApi } from "./endpoints/openapi.ts";
import { requests } from "./endpoints/requests.ts";
import { createVideo } from "./endpoints/videos/create.ts";
import { videos } from "./endpoints/videos/owned.ts";
import { createPages } from "./pages/write-pages.ts";
import { createRouteMemory } from "./story/route-memory.ts";
import { createRunning } from "./story/running.ts";
import { trpc } from "./trpc/endpoint.ts";

/** A gateway that takes requests. */
export interface RunningGateway {
  /** Base URL, e.g. "http://127.0.0.1:8080". */
  readonly url: string;
  /** Stops taking requests, lets running ones end within the grace, then waits until all is settled and recorded. */
  stop(): Promise<void>;
}

/** Most principals that are remembered. */
const maxPrincipals = 100_000;

/** Records of a page that are read in one go. 16 took a third more CPU, 50 held up others for more than 2 ms four times as often. */
const atOnce = 25;

/** How long the errors of requests that were cut may take to be written. */
const cutGraceMs = 2_000;
/** How long settlements and records of what ended are waited for, where the grace is longer. */
const longestSettlingMs = 30_000;

/** The longest time that `stop` takes with this configuration, milliseconds. Deployments give a gateway at least that. */
export function stopsWithinMs({ shutdownGraceMs }: Pick<GatewayConfig, "shutdownGraceMs">): number {
  return shutdownGraceMs + cutGraceMs + Math.min(shutdownGraceMs, longestSettlingMs);
}

/** Starts the HTTP edge. */
export async function startGateway(
  config: GatewayConfig,
  deps: GatewayDeps & {
    standing: () => Promise<Standing>;
    /** Where the details of readiness are told as well; whoever opened it closes it. Given where METRICS_PORT is set. */
    watched?: MetricsServer | undefined;
  },
): Promise<RunningGateway> {
  const refusals = createRefusalCounts(deps.log, deps.metrics);
  const bodies = createBodyMemory(config.bodyMemoryBytes, refusals);
  const spool = createSpoolRoom(config.spoolBytes, refusals);
  const pacing = deps.pacing ?? createPacing();
  const pages = createPages({ history: deps.history, view: config, pacing, atOnce, chunkCharacters });
  const context: GatewayContext = {
    ...deps,
    config,
    pacing,
    pages: deps.pages?.(pages) ?? pages,
    refusals,
    bodies,
    spool,
    spent: createSpentBuffers(),
    limits: createFreeLimits(config, refusals),
    spans: gatewaySpans(deps.tracing),
    requestLine: createLineWriter(deps.log, "request", requestLineFields),
    running: createRunning({ ...deps, config }),
    models: new Set(),
    routes: createRouteMemory(),
    principals: new LRUCache({
      max: maxPrincipals,
      ttl: Math.max(1, config.keyCacheMs),
      // The default, 1 ms, sets a timer for about every request.
      ttlResolution: Math.min(100, Math.max(1, config.keyCacheMs)),
    }),
  };
  const open = createOpenStreams(config.keepAliveMs);
  let stopping = false;
  const edge = createEdge(context, () => stopping);
  const shortage = shortageOf(config.maxConnections, descriptorLimit());
  if (shortage !== undefined) deps.log.warn(shortage);
  const refuseConnection = limitConnections(edge.server, config.maxConnections, refusals);
  const openConnections = countConnections(edge.server);
  const unobserve = [
    deps.metrics.observe("edge_connections", openConnections),
    deps.metrics.observe("edge_body_bytes", bodies.held),
    deps.metrics.observe("edge_spool_bytes", spool.held),
  ];
  const standing = async (): Promise<Standing> => {
    const { missing, away } = await deps.standing();
    const ours = [...(deps.ids.leaseValid() ? [] : ["request ID lease"]), ...(stopping ? ["stopping"] : [])];
    return { missing: [...missing, ...ours], away };
  };
  health(edge, context, standing);
  serveConsole(edge);
  openApi(edge);
  callbacks(edge, context);
  for (const endpoint of endpoints) serveEndpoint(edge, context, open, endpoint);
  serveForms(edge, context, open, formEndpoints);
  createVideo(edge, context);
  videos(edge, context);
  jobs(edge, context);
  uploadFile(edge, context);
  files(edge, context);
  createBatch(edge, context);
  batches(edge, context);
  createMessageBatch(edge, context);
  messageBatches(edge, context);
  imageVariations(edge);
  countTokens(edge, context);
  inputTokens(edge, context);
  responsesStore(edge, context);
  countGeminiTokens(edge, context);
  models(edge, context);
  me(edge, context);
  historyQuery(edge, context);
  requests(edge, context);
  trpc(edge, context);
  await assertNobodyListens(config.host, config.port);
  const place = { host: config.host, port: config.port, reusePort: sharesPort };
  await edge.listen(place);
  const address = edge.server.address();
  const { address: host, port } =
    typeof address === "object" && address !== null ? address : { ...place, address: place.host };
  const doors = await openDoors(edge.server, {
    host,
    port,
    most: config.maxConnections,
    open: openConnections,
    refused: refuseConnection,
  });

  deps.watched?.tell(standing);
  const configurationTrail = startConfigurationTrail(config, deps);

  return {
    url: httpUrl(config.host, port),
    async stop() {
      stopping = true;
      await configurationTrail.stop();
      const grace = new Promise<void>((resolve) => setTimeout(resolve, config.shutdownGraceMs).unref());
      await clientsLeave(openConnections, farewellMs(config.shutdownGraceMs));
      // Bytes that have come over a connection are read before the connection counts as idle: a close with unread bytes is a
      // reset, and a client may not send its request again.
      await new Promise((resolve) => setImmediate(resolve));
      // A connection whose last answer ends while stopping would be kept alive until the grace is over.
      const sweep = setInterval(() => setImmediate(() => edge.server.closeIdleConnections()), 50);
      await Promise.race([Promise.all([edge.close(), doors.close()]), grace]);
      clearInterval(sweep);
      // Clients that are still waiting get an error, not a connection that breaks.
      await context.running.cut(cutGraceMs);
      // The last one has left before its error is written.
      await new Promise((resolve) => setImmediate(resolve));
      edge.server.closeAllConnections();
      await context.running.stop(Math.min(config.shutdownGraceMs, longestSettlingMs));
      open.stop();
      for (const end of unobserve) end();
    },
  };
}
