import { expect, test } from "vitest";
import { createTallying, since, summed } from "./tally.ts";

test.each([
  ["alone", ["select 1"], 1],
  ["each alone", ["select 1", "update a set b = 1"], 2],
  ["in a transaction", ["begin isolation level repeatable read", "select 1", "select 2", "commit"], 1],
  ["rolled back to a savepoint, and then undone", ["begin", "savepoint a", "ROLLBACK TO a", "rollback"], 1],
])("statements %s", (_, statements, transactions) => {
  const { statement, tally } = withConnection();
  for (const sql of statements) statement(sql);
  expect(tally()).toMatchObject({ statements: statements.length, transactions });
});

test("a transaction of one connection does not take in another's statements", () => {
  const tallying = createTallying();
  const [one, other] = [{}, {}];
  tallying.statement(one, "begin");
  tallying.statement(other, "select 1");
  tallying.statement(one, "commit");
  expect(tallying.tally).toMatchObject({ statements: 3, transactions: 2 });
});

test("tallies of processes add up, and what came since an earlier look is told", () => {
  const [caller, server] = [createTallying(), createTallying()];
  const both = () => summed([caller.tally, server.tally]);
  caller.message("Reserve", "server", 3);
  server.message("Reserve", "client", 3);
  const before = both();
  expect(before.lanes).toEqual({ Reserve: { asked: 1, calls: 3, answered: 1 } });
  caller.message("Reserve", "server", 5);
  caller.message("Settle", "server", 1);
  expect(since(before, both())).toEqual({
    lanes: { Reserve: { asked: 1, calls: 5, answered: 0 }, Settle: { asked: 1, calls: 1, answered: 0 } },
    statements: 0,
    transactions: 0,
  });
});

function withConnection() {
  const tallying = createTallying();
  const connection = {};
  return { statement: (sql: string) => tallying.statement(connection, sql), tally: () => tallying.tally };
}
