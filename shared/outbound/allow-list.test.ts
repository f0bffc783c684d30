import fc from "fast-check";
import { expect, test } from "vitest";
import { createAllowList } from "./allow-list.ts";

test("a list names hosts, all hosts below a name, addresses and networks", () => {
  const list = createAllowList(["Hooks.Internal", "*.corp", "10.0.0.7", "192.168.0.0/16", "fd00::/8", " ::1 "]);
  for (const name of ["hooks.internal", "HOOKS.internal", "a.corp", "b.a.corp"]) expect(list.host(name)).toBe(true);
  for (const name of ["internal", "a.hooks.internal", "corp", "acorp", "10.0.0.7"]) expect(list.host(name)).toBe(false);
  const inside = ["10.0.0.7", "192.168.255.1", "fd12::1", "::1"];
  for (const address of inside) expect(list.address(address)).toBe(true);
  const outside = ["10.0.0.8", "::ffff:10.0.0.7", "192.169.0.1", "fe80::1", "::2", "", "hooks.internal"];
  for (const address of outside) expect(list.address(address)).toBe(false);
});

test("what is none of them is refused, and an empty list allows nothing", () => {
  for (const entry of ["", "10.0.0.0/33", "10.1", "https://a.example", "a b", "-a", "*", "a/8"]) {
    expect(() => createAllowList([entry])).toThrow(RangeError);
  }
  fc.assert(
    fc.property(fc.ipV4(), fc.domain(), (address, name) => {
      const none = createAllowList([]);
      expect(none.address(address) || none.host(name)).toBe(false);
      const one = createAllowList([address, name]);
      expect(one.address(address) && one.host(name)).toBe(true);
    }),
  );
});
