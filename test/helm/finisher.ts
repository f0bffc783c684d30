import { type Cluster, textOf } from "./cluster.ts";

interface List {
  readonly metadata: { readonly resourceVersion: string };
}

interface Event {
  readonly type: string;
  readonly object: { readonly metadata: { readonly namespace: string; readonly name: string } };
}

/** How each kind that a hook waits for looks when it has ended well. */
const endings = {
  "/apis/batch/v1": {
    plural: "jobs",
    status(now: string) {
      const condition = (type: string) => ({ type, status: "True", lastTransitionTime: now, lastProbeTime: now });
      const conditions = [condition("SuccessCriteriaMet"), condition("Complete")];
      return { startTime: now, completionTime: now, succeeded: 1, conditions };
    },
  },
  "/api/v1": { plural: "pods", status: () => ({ phase: "Succeeded" }) },
} as const;

/**
 * Stands for the controllers and kubelets that such a cluster lacks: each Job and each Pod that is made ends well at once, so
 * that hooks go on. `signal` ends it; what goes wrong is thrown then.
 */
export async function finishHooks(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await Promise.all(
    Object.entries(endings).map(async ([api, { plural, status }]) => {
      // A watch "from now on" is refused where etcd is old; one from what a list has seen is not.
      const list = JSON.parse(await textOf(await cluster.ask(`${api}/${plural}`))) as List;
      const from = `${api}/${plural}?watch=1&resourceVersion=${list.metadata.resourceVersion}`;
      for await (const { type, object } of events(await cluster.ask(from), signal)) {
        if (type === "ERROR") throw new Error(`the watch of ${plural} ended: ${JSON.stringify(object)}`);
        if (type !== "ADDED") continue;
        const { namespace, name } = object.metadata;
        const body = { status: status(new Date().toISOString().replace(/\.\d+/, "")) };
        await textOf(
          await cluster.ask(`${api}/namespaces/${namespace}/${plural}/${name}/status`, { method: "PATCH", body }),
        );
      }
    }),
  );
}

/** The events of a watch: a line of JSON each. */
async function* events(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Event> {
  const decoder = new TextDecoder();
  const reader = body[Symbol.asyncIterator]();
  const ended = new Promise<{ readonly done: true }>((resolve) => {
    signal.addEventListener("abort", () => resolve({ done: true }), { once: true });
  });
  let rest = "";
  for (;;) {
    const next = await Promise.race([ended, reader.next()]);
    if (next.done === true) return;
    const lines = (rest + decoder.decode(next.value, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Event;
  }
}
