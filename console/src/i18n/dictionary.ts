import type { ErrorData } from "@throughline/client";
import type { en } from "./en/index.ts";

/** The same words in another language: texts stay texts, and what makes a text of something takes the same. */
type Words<T> = T extends string
  ? string
  : T extends (...given: infer Given) => string
    ? (...given: Given) => string
    : { readonly [K in keyof T]: Words<T[K]> };

/** All words of the console. A language that lacks one does not compile, nor does one that says too much. */
export type Dictionary = Words<typeof en>;

/** Every code of the gateway's catalogue is described: a new one does not compile until it is. */
type Undescribed = Exclude<ErrorData["code"], keyof Dictionary["errors"]>;
export const allErrorsAreDescribed: [Undescribed] extends [never] ? true : Undescribed = true;
