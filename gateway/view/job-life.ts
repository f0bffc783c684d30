import type { GetJobLifeResponse } from "../../shared/gen/throughline/jobs/v1/webhooks_pb.ts";
import type { RequestIdStyle } from "../../shared/request-id.ts";
import { deliveryOut } from "./delivery.ts";

/** What happened to the job of a request: questions to its vendor, states with their times, who was told of its end. */
export function jobLifeOut(requestId: bigint, life: GetJobLifeResponse, style: RequestIdStyle) {
  return {
    id: `job_${requestId}`,
    vendor_job_id: life.vendorJobId || null,
    deadline_time: new Date(Number(life.deadlineUnixMs)).toISOString(),
    polls: life.polls,
    failed_polls: life.failedPolls,
    events: life.events.map(({ name, atMs }) => ({ name, at_ms: Number(atMs) })),
    /** Without addresses: they are their account's, and this may be read by a key of one of its users. */
    deliveries: life.deliveries.map((one) => {
      const { url: _url, account_id: _account, request_id: _request, ...delivery } = deliveryOut(one, style);
      return delivery;
    }),
  };
}
