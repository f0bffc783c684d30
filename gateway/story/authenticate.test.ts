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
    expect(allowed({ allowedCidrs: ["192.0.2.7"] }, "192.0.2.7")).toBe(true);
  });

  it("wants kind and scope", () => {
    expect(allowed({ kind: KeyKind.CLI }, "::1")).toBe(false);
    expect(allowed({}, "::1", "images")).toBe(false);
    expect(allowed({ scopes: ["*"] }, "::1", "images")).toBe(true);
    expect(allowed({ scopes: [] }, "::1")).toBe(false);
  });
});
