import fc from "fast-check";
import { expect, test } from "vitest";
import { ConfigError } from "./config.ts";
import { openCredential, parseCredentialKeys, sealCredential } from "./sealed-credential.ts";

const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");

test("what was sealed opens for its own channel only", () => {
  const keys = parseCredentialKeys(key(7));
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string(), fc.string(), (credential, channel, other) => {
      const sealed = sealCredential(keys, channel, credential);
      expect(openCredential(keys, channel, sealed)).toBe(credential);
      if (other !== channel) expect(() => openCredential(keys, other, sealed)).toThrow("another channel");
    }),
  );
});

test("a change of any one bit is found", () => {
  const keys = parseCredentialKeys(key(7));
  const sealed = sealCredential(keys, "a", "sk-secret");
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => openCredential(keys, "a", changed)).toThrow(/sealed/);
  }
});

test("the same credential never looks the same twice", () => {
  const keys = parseCredentialKeys(key(7));
  expect(sealCredential(keys, "a", "x").equals(sealCredential(keys, "a", "x"))).toBe(false);
});

test("after a rotation the old key opens what it sealed, and the new one seals", () => {
  const sealed = sealCredential(parseCredentialKeys(key(1)), "a", "old");
  const rotated = parseCredentialKeys(`2:${key(2)}, 1:${key(1)}`);
  expect(openCredential(rotated, "a", sealed)).toBe("old");
  expect(sealCredential(rotated, "a", "new")[1]).toBe(2);
  expect(() => openCredential(parseCredentialKeys(`2:${key(2)}`), "a", sealed)).toThrow("key 1");
});

test.each(["", "short", `300:${key(1)}`, `${key(1)},1:${key(2)}`, `1:${key(1)}x`])(
  "%s is refused without being repeated",
  (text) => {
    let message = "";
    try {
      parseCredentialKeys(text);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      message = String(error);
    }
    expect(message).toContain("CREDENTIAL_KEY");
    expect(message).not.toContain(key(1));
  },
);
