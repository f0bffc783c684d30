import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { testPostgres } from "../shared/db/testing.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

async function run(command: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [join(root, "cli/main.ts"), command], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, said, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { out, lines: said.trimEnd().split("\n"), code: code as number };
}

const wrong = { DATABASE_URL: "postgres://tl:secret@a:b/c", DATABASE_POOL_SIZE: "many", HISTORY_RETENTION: "a year" };
const several = [
  /: DATABASE_URL has a port that is none$/,
  /: DATABASE_POOL_SIZE must be a whole number, not "many"$/,
  /: HISTORY_RETENTION must be a duration such as .*, not "a year"$/,
];

test.each([
  ["migrate", wrong, 2, several],
  ["history", { ...wrong, GRPC_SECRET: Buffer.alloc(32, 5).toString("base64") }, 2, several],
  ["migrate", {}, 2, [/: DATABASE_URL must be set$/]],
  [
    "migrate",
    { DATABASE_URL: "postgres://tl:secret@127.0.0.1:1/tl" },
    1,
    [/: the database of DATABASE_URL cannot be used: connect ECONNREFUSED 127.0.0.1:1$/],
  ],
] as const)("%s tells each mistake in a line, without a stack or a secret", async (command, env, code, expected) => {
  const ended = await run(command, env);
  expect(ended.lines).toEqual(expected.map((line) => expect.stringMatching(line)));
  expect(ended.out).not.toMatch(/fatal|secret/);
  expect(ended.code).toBe(code);
});

test("migrate says in a line that the password is wrong, or the database missing; else it brings the schemas up to date", async () => {
  await using postgres = await testPostgres();
  const missing = new URL(postgres.url);
  missing.pathname = "/missing";
  const stranger = new URL(postgres.url);
  stranger.password = "wrong";
  for (const [url, why] of [
    [missing, /: database "missing" does not exist$/],
    [stranger, /: password authentication failed for user /],
  ] as const) {
    const ended = await run("migrate", { DATABASE_URL: url.href });
    expect(ended.lines).toEqual([expect.stringMatching(why)]);
    expect(ended.code).toBe(1);
  }
  expect(await run("migrate", { DATABASE_URL: postgres.url })).toMatchObject({
    code: 0,
    out: expect.stringContaining("the schemas are up to date"),
  });
}, 30_000);
