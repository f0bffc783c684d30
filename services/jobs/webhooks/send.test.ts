import { afterAll, beforeAll, expect, test } from "vitest";
import { createGuard } from "../../../shared/outbound/guard.ts";
import { createAddressCheck } from "./address.ts";
import { createSender } from "./send.ts";
import { type Receiver, startReceiver } from "./testing-receiver.ts";

/* What names lead to, in place of DNS: never is a byte sent to an address that is not public and not allowed. */

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver?.close());

/** Sends to a name that leads to these addresses, one list a question. */
async function sendTo(answers: readonly (readonly string[])[], allow: readonly string[] = [], scheme = "http") {
  let asked = 0;
  const resolve = async () => answers[Math.min(asked++, answers.length - 1)] ?? [];
  const guard = createGuard({ allow, resolve });
  const sender = createSender(guard, createAddressCheck(guard, allow), 500);
  const { port } = new URL(receiver.url);
  receiver.received.length = 0;
  try {
    return { ...(await sender.send(`${scheme}://hooks.example:${port}/`, {}, "{}")), came: receiver.received.length };
  } finally {
    await sender.close();
  }
}

test("an address of this machine is sent to where it is allowed, by address or by name", async () => {
  for (const allow of [["127.0.0.0/8"], ["hooks.example"], ["*.example"]]) {
    expect(await sendTo([["127.0.0.1"]], allow)).toEqual({ status: 204, error: "", came: 1 });
  }
});

test("a name that leads to a private address, also among public ones, is not called", async () => {
  for (const answers of [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::1"], ["169.254.169.254"], []]) {
    const { error, came } = await sendTo([answers], [], "https");
    expect([error, came]).toEqual(["Its address cannot be called: its host has no public address.", 0]);
  }
});

test("a name that changes after it was checked is not called", async () => {
  const { error, came } = await sendTo([["8.8.8.8"], ["127.0.0.1"]], [], "https");
  expect([error, came]).toEqual(["Its host has no public address.", 0]);
});

test("without TLS only what is allowed is called", async () => {
  const { error, came } = await sendTo([["8.8.8.8"]], ["10.0.0.0/8"]);
  expect([error, came]).toEqual(["Its address must begin with https://.", 0]);
});
