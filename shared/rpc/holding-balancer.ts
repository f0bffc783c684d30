import { connectivityState, experimental } from "@grpc/grpc-js";

const { ChildLoadBalancerHandler, createChildChannelControlHelper, parseLoadBalancingConfig, UnavailablePicker } =
  experimental;

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

/** How round_robin says that a connection failed while it does not know how: after each look at DNS, until the next attempt. */
const unknownFailure = /Last error: null/;

/**
 * round_robin that keeps its connections until the channel is closed. A pod that leaves is no longer among the addresses
 * while its streams go on for minutes. grpc-js (1.14.7, subchannel.js) closes the session of an address that is gone as soon
 * as it looks the name up again, Node cancels pings on such a session, and the keepalive takes that for a dead connection:
 * streams were cut within ten seconds. New calls go to the addresses that there are, as before.
 *
 * It also remembers over a look at DNS why no connection could be made. An operator would otherwise read "null" or a deadline in
 * place of the certificate that is wrong, where the look fell into the last second of a call.
 */
class HoldingRoundRobin implements Balancer {
  private readonly held = new Map<string, experimental.SubchannelInterface>();
  private readonly child: Balancer;
  /** What the last attempt came to; undefined: a connection was made since, or nothing was tried. */
  private lastFailure: string | undefined;

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
        updateState: (state, picker, said) => {
          if (state === connectivityState.READY) this.lastFailure = undefined;
          const isUnknown = said !== null && unknownFailure.test(said);
          if (said !== null && !isUnknown) this.lastFailure = said;
          if (!isUnknown || this.lastFailure === undefined) helper.updateState(state, picker, said);
          else helper.updateState(state, new UnavailablePicker({ details: this.lastFailure }), this.lastFailure);
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
