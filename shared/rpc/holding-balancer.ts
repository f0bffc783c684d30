import { experimental } from "@grpc/grpc-js";

const { ChildLoadBalancerHandler, createChildChannelControlHelper, parseLoadBalancingConfig } = experimental;

/** Name of the policy in a service configuration. */
export const holdingRoundRobin = "throughline_round_robin";

const roundRobin = parseLoadBalancingConfig({ round_robin: {} });

class HoldingConfig implements experimental.TypedLoadBalancingConfig {
  static createFromJson(): HoldingConfig {
    return new HoldingConfig();
  }

  getLoadBalancerName(): string {
    return holdingRoundRobin;
  }

  toJsonObject(): object {
    return { [holdingRoundRobin]: {} };
  }
}

type Balancer = experimental.LoadBalancer;

/**
 * round_robin that keeps its connections until the channel is closed. A pod that leaves is no longer among the addresses
 * while its streams go on for minutes. grpc-js (1.14.7, subchannel.js) closes the session of an address that is gone as soon
 * as it looks the name up again, Node cancels pings on such a session, and the keepalive takes that for a dead connection:
 * streams were cut within ten seconds. New calls go to the addresses that there are, as before.
 */
class HoldingRoundRobin implements Balancer {
  private readonly held = new Map<string, experimental.SubchannelInterface>();
  private readonly child: Balancer;

  constructor(helper: experimental.ChannelControlHelper) {
    this.child = new ChildLoadBalancerHandler(
      createChildChannelControlHelper(helper, {
        createSubchannel: (address, options) => {
          const subchannel = helper.createSubchannel(address, options);
          const name = experimental.subchannelAddressToString(address);
          if (!this.held.has(name)) {
            subchannel.ref();
            this.held.set(name, subchannel);
          }
          return subchannel;
        },
      }),
    );
  }

  updateAddressList(...[endpoints, , options, note]: Parameters<Balancer["updateAddressList"]>): boolean {
    return this.child.updateAddressList(endpoints, roundRobin, options, note);
  }

  exitIdle(): void {
    this.child.exitIdle();
  }

  resetBackoff(): void {
    this.child.resetBackoff();
  }

  destroy(): void {
    this.child.destroy();
    for (const subchannel of this.held.values()) subchannel.unref();
    this.held.clear();
  }

  getTypeName(): string {
    return holdingRoundRobin;
  }
}

experimental.registerLoadBalancerType(holdingRoundRobin, HoldingRoundRobin, HoldingConfig);
