import { describe, expect, test } from "vitest";
import { checkInput } from "./check-input.ts";

describe("the input of embeddings", () => {
  test.each([
    ["a text", "hello wor", { textTokens: 3, givenTokens: 0 }],
    ["texts", ["hello", "你好"], { textTokens: 4, givenTokens: 0 }],
    ["tokens", [1, 2, 3], { textTokens: 0, givenTokens: 3 }],
    ["more tokens than inputs are taken", Array(10_000).fill(7), { textTokens: 0, givenTokens: 10_000 }],
    ["lists of tokens", [[1, 2], [3]], { textTokens: 0, givenTokens: 3 }],
    ["texts and lists of tokens", ["four", [1]], { textTokens: 1, givenTokens: 1 }],
    ["as many as are taken", Array(2_048).fill("x"), { textTokens: 2_048, givenTokens: 0 }],
  ])("%s", (_name, input, expected) => {
    expect(checkInput(input)).toEqual(expected);
  });

  test.each([
    ["input", null],
    ["input", 7],
    ["input", { text: "x" }],
    ["input", ""],
    ["input", []],
    ["input", Array(2_049).fill("x")],
    ["input[1]", ["a", ""]],
    ["input[1]", ["a", null]],
    ["input[3]", ["a", "b", "c", 7]],
    ["input[0]", [{ text: "x" }]],
    ["input[1]", [[1], []]],
    ["input[1]", [1, "a"]],
    ["input[2]", [1, 2, -3]],
    ["input[0]", [1.5]],
    ["input[0]", [2 ** 31]],
    ["input[1][1]", [[1], [2, "x"]]],
    ["input[0][0]", [[[1]]]],
  ])("%s is named where it is wrong: %j", (param, input) => {
    expect(() => checkInput(input)).toThrow(expect.objectContaining({ code: "invalid_value", param }));
  });
});
