import { RoutingService } from "../../../shared/gen/throughline/routing/v1/routing_pb.ts";
import { defineService, type ServiceDefinition } from "../../../shared/rpc/index.ts";
import type { RoutingContext } from "../context.ts";
import { claimListings } from "./claim-listings.ts";
import { deleteChannel } from "./delete-channel.ts";
import { getChannels } from "./get-channels.ts";
import { leaseNode } from "./lease-node.ts";
import { listChannels } from "./list-channels.ts";
import { listConfigurationChanges } from "./list-configuration-changes.ts";
import { listModels } from "./list-models.ts";
import { putChannel } from "./put-channel.ts";
import { reportHealth } from "./report-health.ts";
import { reportListing } from "./report-listing.ts";
import { resolve } from "./resolve.ts";

/** What routing answers. */
export function handlers(context: RoutingContext): ServiceDefinition<typeof RoutingService> {
  return defineService(RoutingService, {
    resolve: resolve(context),
    listModels: listModels(context),
    getChannels: getChannels(context),
    leaseNode: leaseNode(context),
    reportHealth: reportHealth(context),
    claimListings: claimListings(context),
    reportListing: reportListing(context),
    listChannels: listChannels(context),
    listConfigurationChanges: listConfigurationChanges(context),
    putChannel: putChannel(context),
    deleteChannel: deleteChannel(context),
  });
}
