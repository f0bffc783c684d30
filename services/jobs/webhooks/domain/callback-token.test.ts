import fc from "fast-check";
import { expect, test } from "vitest";
import { callbackToken, requestOfToken } from "./callback-token.ts";

const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];

test("a token names its request, by whichever of the keys it was made with, and no other", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 2n ** 63n - 1n), fc.nat({ max: 31 }), fc.string(), (requestId, at, text) => {
      const token = callbackToken(key, requestId);
      expect(requestOfToken([other, key], token)).toBe(requestId);
      expect(requestOfToken([other], token)).toBeUndefined();
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      for (const one of [changed, text, `${token}=`, token.slice(1)])
        expect(requestOfToken([key], one)).toBeUndefined();
    }),
  );
});
