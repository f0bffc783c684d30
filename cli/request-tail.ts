import { once } from "node:events";
import { connectToFollow } from "./client.ts";
import { CommandError } from "./command.ts";
import { type FilterOptions, filterOf } from "./request-filter.ts";
import { rowLine } from "./request-text.ts";

/** The longest that a timer may be: some 25 days. */
const longMs = 2 ** 31 - 1;

/** Prints what comes until the process is interrupted. While the gateway is away it is asked again every few seconds. */
export async function follow(options: FilterOptions, json: boolean): Promise<void> {
  const client = await connectToFollow();
  const filter = await filterOf(client, options);
  // An event source tells no reasons: a key or a filter that is refused is told by this, and by the same question later.
  await client.requests.list.query({ filter, limit: 1 });
  // undici's event source is marked experimental; the warning is of no use to whoever reads requests.
  process.removeAllListeners("warning");
  const failed = Promise.withResolvers<never>();
  const isNew = createFilter();
  const subscription = client.requests.tail.subscribe(
    { filter },
    {
      onData: ({ data }) => {
        if (isNew(`${data.id} ${data.status}`))
          process.stdout.write(json ? `${JSON.stringify(data)}\n` : rowLine(data));
      },
      onError: (error) => {
        if (error.data) return failed.reject(error);
        const refused = () =>
          failed.reject(new CommandError("the gateway refused the connection: start the tail again"));
        void client.requests.list.query({ filter, limit: 1 }).then(refused, failed.reject);
      },
      onComplete: () => failed.reject(new CommandError("the gateway has ended the subscription")),
    },
  );
  // Between two connections nothing else keeps the process: undici's timer for the next one does not.
  const stay = setInterval(() => undefined, longMs);
  try {
    await Promise.race([
      once(process, "SIGINT"),
      once(process, "SIGTERM"),
      once(process.stdout, "close"),
      failed.promise,
    ]);
  } finally {
    clearInterval(stay);
    subscription.unsubscribe();
  }
  // The event source's connection pool would keep the process for a while.
  process.exit();
}

/** Most that is remembered of what was printed: five seconds of a busy gateway. */
const maxRemembered = 10_000;

/** Tells what it has not been asked lately: after a lost connection the last few seconds come again. */
function createFilter(): (name: string) => boolean {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return false;
    known.add(name);
    const [oldest] = known;
    if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest);
    return true;
  };
}
