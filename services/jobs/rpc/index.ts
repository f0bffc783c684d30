import { JobsService } from "../../../shared/gen/throughline/jobs/v1/jobs_pb.ts";
import { defineService, type ServiceDefinition, unaryHandler } from "../../../shared/rpc/index.ts";
import type { JobsContext } from "../context.ts";
import { addBatchLines, beginBatch, cancelBatch, deleteBatch, getBatch, listBatches, startBatch } from "./batches.ts";
import { createCall } from "./create-call.ts";
import { createJob } from "./create-job.ts";
import { createFile, deleteFile, getFile, listFiles } from "./files.ts";
import { beginObject, finishObject, readObject, writeObject } from "./objects.ts";
import { cancelJob, deleteJob, getJob, listJobs, type Runners } from "./owned-jobs.ts";
import { getJobLife, listDeliveries, resend, sendTestEvent } from "./webhook-deliveries.ts";
import {
  changeEndpoint,
  checkCallbackUrl,
  createEndpoint,
  listEndpoints,
  removeEndpoint,
  rotateEndpoint,
} from "./webhook-endpoints.ts";

/** The methods of jobs. `runners`: what works at them in this process. */
export function jobsDefinition(context: JobsContext, runners: Runners): ServiceDefinition<typeof JobsService> {
  return defineService(JobsService, {
    createJob: unaryHandler((request, call) => createJob(context, runners.worker, request, call)),
    createCall: unaryHandler((request, call) => createCall(context, runners.calls, request, call)),
    getJob: unaryHandler((request) => getJob(context, request)),
    listJobs: unaryHandler((request) => listJobs(context, request)),
    cancelJob: unaryHandler((request) => cancelJob(context, runners, request)),
    deleteJob: unaryHandler((request) => deleteJob(context, request)),
    beginObject: unaryHandler((request) => beginObject(context, request)),
    writeObject: unaryHandler((request) => writeObject(context, request)),
    finishObject: unaryHandler((request) => finishObject(context, request)),
    readObject: unaryHandler((request) => readObject(context, request)),
    createFile: unaryHandler((request) => createFile(context, request)),
    getFile: unaryHandler((request) => getFile(context, request)),
    listFiles: unaryHandler((request) => listFiles(context, request)),
    deleteFile: unaryHandler((request) => deleteFile(context, request)),
    wakeJob: unaryHandler(async ({ token }) => {
      if (await context.callbacks.wake(token)) runners.worker.wake();
      return {};
    }),
    createWebhookEndpoint: unaryHandler((request) => createEndpoint(context, request)),
    listWebhookEndpoints: unaryHandler((request) => listEndpoints(context, request)),
    updateWebhookEndpoint: unaryHandler((request) => changeEndpoint(context, request)),
    rotateWebhookSecret: unaryHandler((request) => rotateEndpoint(context, request)),
    deleteWebhookEndpoint: unaryHandler((request) => removeEndpoint(context, request)),
    sendTestEvent: unaryHandler((request, call) => sendTestEvent(context, request, call)),
    listDeliveries: unaryHandler((request) => listDeliveries(context, request)),
    resendDelivery: unaryHandler((request) => resend(context, request)),
    checkCallbackUrl: unaryHandler((request) => checkCallbackUrl(context, request)),
    getJobLife: unaryHandler((request) => getJobLife(context, request)),
    beginBatch: unaryHandler((request, call) => beginBatch(context, request, call)),
    addBatchLines: unaryHandler((request) => addBatchLines(context, request)),
    startBatch: unaryHandler((request) => startBatch(context, runners, request)),
    getBatch: unaryHandler((request) => getBatch(context, request)),
    listBatches: unaryHandler((request) => listBatches(context, request)),
    cancelBatch: unaryHandler((request) => cancelBatch(context, runners, request)),
    deleteBatch: unaryHandler((request) => deleteBatch(context, request)),
  });
}
