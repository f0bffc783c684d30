import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ThroughlineError } from "../../shared/errors/error.ts";
import { KeyKind, PrincipalSchema } from "../../shared/gen/throughline/billing/v1/billing_pb.ts";
import { authorise, secretOf } from "./authenticate.ts";

describe("secretOf", () => {
  it("takes either header, in the order that is asked for", () => {
    expect(secretOf({ authorization: "Bearer a" })).toBe("a");
    expect(secretOf({ authorization: "bearer   a  " })).toBe("a");
    expect(secretOf({ "x-api-key": " b " })).toBe("b");
    const both = { authorization: "Bearer a", "x-api-key": "b" };
    expect([secretOf(both), secretOf(both, "x-api-key")]).toEqual(["a", "b"]);
    expect(secretOf({ authorization: "Basic YTpi", "x-api-key": "b" })).toBe("b");
    expect(secretOf({ authorization: "Bearer a", "x-api-key": " " }, "x-api-key")).toBe("a");
  });

  it("gives a secret or invalid_api_key, whatever the headers say, and never repeats them", () => {
    const header = fc.oneof(
      fc.string(),
      fc.string().map((text) => `Bearer ${text}`),
      fc.string({ minLength: 600 }),
    );
    fc.assert(
      fc.property(fc.option(header), fc.option(header), (authorization, apiKey) => {
        const headers = {
          ...(authorization === null ? {} : { authorization }),
          ...(apiKey === null ? {} : { "x-api-key": apiKey }),
        };
        try {
          expect(secretOf(headers).length).toBeLessThanOrEqual(512);
        } catch (error) {
          expect(error).toBeInstanceOf(ThroughlineError);
          expect(error).toMatchObject({
            code: "invalid_api_key",
            message: expect.stringMatching(/^No usable API key/),
          });
        }
      }),
    );
  });
});

describe("authorise", () => {
  const allowed = (given: object, ip: string, scope = "chat") => {
    const principal = create(PrincipalSchema, { kind: KeyKind.API, scopes: ["chat"], ...given });
    try {
      authorise(principal, scope, [KeyKind.API], ip);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "permission_denied" });
      return false;
    }
  };

  it("holds a key to its addresses, also where IPv4 comes mapped into IPv6", () => {
    const office = { allowedCidrs: ["10.1.0.0/16", "2001:db8::/32"] };
    const ips = ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::5", "10.2.0.1", "::ffff:10.2.0.1", "2001:db9::5"];
    expect(ips.map((ip) => allowed(office, ip))).toEqual([true, true, true, false, false, false]);
  });

  it("takes an address without a length as itself alone", () => {
    const two = { allowedCidrs: ["192.0.2.7", "2001:db8::7"] };
    const ips = ["192.0.2.7", "192.0.2.6", "192.0.3.7", "2001:db8::7", "2001:db8::6", "2001:db8:1::7"];
    expect(ips.map((ip) => allowed(two, ip))).toEqual([true, false, false, true, false, false]);
  });

  it.each(["", "localhost", "10.1.2.3:80", "999.1.2.3"])(
    "refuses a key of some addresses where the caller's is none: %j",
    (ip) => {
      expect(allowed({ allowedCidrs: ["0.0.0.0/0", "::/0"] }, ip)).toBe(false);
      expect(allowed({}, ip)).toBe(true);
    },
  );

  it.each([KeyKind.UNSPECIFIED, KeyKind.SERVER, KeyKind.USER, KeyKind.CLI])(
    "wants a kind that the call is for: %s is none",
    (kind) => {
      expect(allowed({ kind, scopes: ["*"] }, "::1")).toBe(false);
    },
  );

  it.each([
    [["*"], "history.read", true],
    [["chat", "history.read"], "history.read", true],
    [["history.delete"], "history.read", false],
    [["history"], "history.read", false],
    [["history.read"], "history", false],
    [["history.rea"], "history.read", false],
    [["history.*"], "history.read", false],
    [[], "history.read", false],
  ])("wants the very scope, or all: %j for %s: %s", (scopes, scope, may) => {
    expect(allowed({ scopes }, "::1", scope)).toBe(may);
  });
});
