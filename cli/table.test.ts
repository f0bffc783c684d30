import { describe, expect, it } from "vitest";
import { facts, printable, table } from "./table.ts";

describe("text for a terminal", () => {
  const hostile = "gpt\u001b[2J\u001b]0;title\u0007\n\u009b31m\u202eevil";
  const harmless = "gpt\\u{1b}[2J\\u{1b}]0;title\\u{7}\\u{a}\\u{9b}31m\\u{202e}evil";

  it("holds nothing that a terminal obeys", () => {
    expect(printable(hostile)).toBe(harmless);
    expect(facts({ asked_for: hostile })).toBe(`asked for  ${harmless}\n`);
    expect(table([{ model: hostile }], "none").split("\n")[1]).toBe(harmless);
  });

  it("leaves names in any script as they are", () => {
    for (const name of ["Zo\u00eb", "\u6a21\u578b", "\u05d3\u05d2\u05dd", "\ud83d\ude00 a/b:c"])
      expect(printable(name)).toBe(name);
  });
});
