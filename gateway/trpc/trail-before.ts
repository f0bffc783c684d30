import { ThroughlineError } from "../../shared/errors/error.ts";
import type { Principal } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import type { CallOptions } from "../../shared/rpc/index.ts";
import type { GatewayContext } from "../context.ts";
import { requestOf } from "../endpoints/chat/message-id.ts";
import { reachedAccount } from "../reach.ts";
import { channelOut } from "../view/channel.ts";
import { deliveryOut } from "../view/delivery.ts";
import { toJobRow } from "../view/job.ts";
import { accountOut, keyOut } from "../view/payer.ts";
import { webhookOut } from "../view/webhook.ts";

/** Who asks for a change, and with what. */
interface Asked {
  readonly gateway: GatewayContext;
  readonly caller: Principal;
  readonly options: CallOptions;
  /** As it came; whether it is valid the procedure says. */
  readonly input: unknown;
}

/** Reads what a change is about, within the caller's reach; undefined: there is none. */
type Read = (asked: Asked) => Promise<object | undefined>;

const none: Read = async () => undefined;

const key: Read = async ({ gateway, caller, options, input }) => {
  const keyId = idIn(input, "key_id");
  return keyId === undefined ? undefined : readKey(gateway, options, keyId, reachedAccount(caller));
};

/** The key that calls. */
const ownKey: Read = async ({ gateway, caller, options }) => readKey(gateway, options, caller.keyId, caller.accountId);

const account: Read = async ({ gateway, caller, options, input }) => {
  const accountId = idIn(input, "account_id");
  if (accountId === undefined) return undefined;
  const found = await gateway.billing.getAccount({ accountId: reachedAccount(caller, accountId) }, options);
  return found.account === undefined ? undefined : accountOut(found.account);
};

const channel: Read = async ({ gateway, options, input }) => {
  const name = textIn(input, "name") ?? textIn(inside(input, "channel"), "name");
  const { channels } = await gateway.routing.listChannels({}, options);
  const found = channels.find((one) => one.name === name);
  return found === undefined ? undefined : channelOut(found);
};

const webhook: Read = async ({ gateway, caller, options, input }) => {
  const endpointId = idIn(input, "webhook_id");
  if (endpointId === undefined) return undefined;
  const asked = { accountId: reachedAccount(caller), afterEndpointId: endpointId - 1n, limit: 1 };
  const [found] = (await gateway.jobs.listWebhookEndpoints(asked, options)).endpoints;
  return found?.endpointId === endpointId ? webhookOut(found) : undefined;
};

/** What signs the callbacks of an account has no address of its own. */
const callbacks: Read = async ({ gateway, caller, options, input }) => {
  const accountId = reachedAccount(caller, idIn(input, "account_id") ?? caller.accountId);
  const { endpoints } = await gateway.jobs.listWebhookEndpoints({ accountId, limit: 1_000 }, options);
  const found = endpoints.find(({ url }) => url === "");
  return found === undefined ? undefined : webhookOut(found);
};

const delivery: Read = async ({ gateway, caller, options, input }) => {
  const deliveryId = idIn(input, "delivery_id");
  if (deliveryId === undefined) return undefined;
  const asked = { accountId: reachedAccount(caller), beforeDeliveryId: deliveryId + 1n, limit: 1 };
  const [found] = (await gateway.jobs.listDeliveries(asked, options)).deliveries;
  return found?.deliveryId === deliveryId ? deliveryOut(found, gateway.config.idStyle) : undefined;
};

const job: Read = async ({ gateway, caller, options, input }) => {
  const requestId = requestOf(textIn(input, "id") ?? "");
  if (requestId === undefined) return undefined;
  const accountId = reachedAccount(caller, idIn(input, "account_id"));
  const owner = { accountId, everybody: accountId === 0n };
  const found = (await gateway.jobs.getJob({ owner, requestId }, options)).job;
  return found === undefined ? undefined : toJobRow(found);
};

/**
 * What each change is about, as it is before. What is made anew was not there; of records that are deleted the trail names the IDs. A
 * procedure that is not here is refused to administration keys: a test asks that each is.
 */
export const readsBefore: Readonly<Record<string, Read>> = {
  "accounts.create": none,
  "accounts.update": account,
  "keys.create": none,
  "keys.update": key,
  "keys.rotate": key,
  "keys.revoke": key,
  "me.rotate": ownKey,
  "credits.add": account,
  "credits.adjust": account,
  "channels.put": channel,
  "channels.delete": channel,
  "webhooks.create": none,
  "webhooks.update": webhook,
  "webhooks.rotate": webhook,
  "webhooks.rotateCallbacks": callbacks,
  "webhooks.delete": webhook,
  "webhooks.test": webhook,
  "webhooks.resend": delivery,
  "jobs.cancel": job,
  "requests.delete": none,
};

/** What a change is about as it is now, or why that cannot be read; undefined: there is none that the caller reaches. */
export async function stateBefore(path: string, asked: Asked): Promise<object | undefined> {
  const read = readsBefore[path];
  if (read === undefined) throw new TypeError(`the trail does not know what ${path} changes`);
  try {
    return await read(asked);
  } catch (error) {
    // The procedure itself tells the caller that the thing is not there.
    const { code } = ThroughlineError.from(error);
    return code === "not_found" ? undefined : { not_read: code };
  }
}

async function readKey({ billing }: GatewayContext, options: CallOptions, keyId: bigint, accountId: bigint) {
  const [found] = (await billing.listKeys({ accountId, afterKeyId: keyId - 1n, limit: 1 }, options)).keys;
  return found?.keyId === keyId ? keyOut(found) : undefined;
}

function inside(input: unknown, name: string): unknown {
  return typeof input === "object" && input !== null ? Reflect.get(input, name) : undefined;
}

function textIn(input: unknown, name: string): string | undefined {
  const value = inside(input, name);
  return typeof value === "string" ? value : undefined;
}

/** An ID that is valid; what is not the procedure refuses. */
function idIn(input: unknown, name: string): bigint | undefined {
  const text = textIn(input, name);
  return text !== undefined && /^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined;
}
