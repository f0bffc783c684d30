import { asObject, asString, type JsonObject } from "../../../wire/json.ts";
import { createJsonEnd } from "../../../wire/json-end.ts";

/*
 * Which call a piece belongs to is told by labels: its index, its ID, its name. OpenAI sends all three with the first piece
 * and the index with the others. Vendors leave some of them out, give one to several calls, repeat them, change the ID from
 * piece to piece, or send the name last. This is the one reading of them, for answers that are translated and for those that
 * are passed on: of it each call comes once, whole, with a number of its own, an ID of its own and its name.
 */

/** A piece of a call as a vendor labels it. */
interface Piece {
  /** Absent: none was given. */
  readonly index: number | undefined;
  /** Empty: none. */
  readonly id: string;
  /** Empty: none. */
  readonly name: string;
  readonly custom: boolean;
  readonly text: string;
}

/** What is known of one call. */
interface Call {
  /** The vendor's ID; empty: none so far. */
  vendorId: string;
  name: string;
  custom: boolean;
  /** Text so far, until a piece without a name has come: from then on a piece with a name begins another call. */
  pieces: string[];
  isWhole: () => boolean;
  bare: boolean;
  /** Number, once it has begun; it begins with its name. */
  number: number | undefined;
  id: string;
}

/** What a piece adds to an answer. */
export interface CallStep {
  /** True: the call begins here. */
  readonly begins: boolean;
  /** From 0, in the order in which the calls of the choice begin. */
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly custom: boolean;
  /** Next part of its arguments, or of its free text. */
  readonly text: string;
}

/** Reads the calls of one choice. */
export interface CallReader {
  /** Takes a piece; undefined: it adds nothing so far, as its call has no name yet, or it said the same again. */
  read(raw: JsonObject): CallStep | undefined;
  /** Takes a piece that has an index and text and no other label; gives its call's number; undefined: `read` must see it. */
  bare(index: number): number | undefined;
  /** Calls that have begun. */
  count(): number;
  /** True: a call with arguments never got a name. */
  isNameless(): boolean;
}

/** What is said of an answer in which a call has arguments and no name. */
export const namelessCall = "it called a tool without naming it";

/** Begins to read the calls of a choice. `newId` makes IDs for calls that have none of their own. */
export function createCallReader(newId: () => string): CallReader {
  const calls: Call[] = [];
  const byIndex = new Map<number, Call>();
  const byId = new Map<string, Call>();
  const usedIds = new Set<string>();
  let count = 0;

  /** The call that a piece goes on with; undefined: it begins another. */
  function find(piece: Piece): Call | undefined {
    const named = piece.id === "" ? undefined : byId.get(piece.id);
    if (piece.index === undefined) {
      const newest = calls.at(-1);
      // If the ID is the only label, a piece with another ID belongs to another call.
      const open = named ?? (piece.id === "" || newest?.vendorId === "" ? newest : undefined);
      return open !== undefined && goesOn(open, piece) ? open : undefined;
    }
    const placed = byIndex.get(piece.index);
    // An index that is new says that a call is new, unless nothing else of it is.
    if (placed === undefined) return named !== undefined && piece.name === "" ? named : undefined;
    const isOwn = piece.id === "" || placed.vendorId === "" || placed.vendorId === piece.id;
    const open = isOwn ? placed : (named ?? placed);
    return goesOn(open, piece) ? open : undefined;
  }

  function open(piece: Piece): Call {
    const pieces: string[] = [];
    const call: Call = {
      ...{ vendorId: "", name: "", custom: piece.custom, pieces, isWhole: createJsonEnd(pieces), bare: false },
      ...{ number: undefined, id: "" },
    };
    calls.push(call);
    return call;
  }

  function label(call: Call, { index, id, name, custom }: Piece): void {
    if (index !== undefined) byIndex.set(index, call);
    if (id !== "") {
      if (call.vendorId === "") call.vendorId = id;
      byId.set(id, call);
    }
    if (call.name === "") call.name = name;
    if (call.number === undefined && custom) call.custom = true;
  }

  function begin(call: Call): CallStep {
    call.number = count++;
    call.id = call.vendorId === "" || usedIds.has(call.vendorId) ? newId() : call.vendorId;
    usedIds.add(call.id);
    return stepOf(call, true, call.pieces.join(""));
  }

  return {
    read(raw) {
      const piece = pieceOf(raw);
      const known = find(piece);
      const call = known ?? open(piece);
      if (known !== undefined && saysAgain(known, piece)) return undefined;
      label(call, piece);
      if (call.number !== undefined && piece.name === "") {
        call.bare = true;
        call.pieces.length = 0;
      }
      if (piece.text !== "" && !call.bare) call.pieces.push(piece.text);
      if (call.number !== undefined) return piece.text === "" ? undefined : stepOf(call, false, piece.text);
      return call.name === "" ? undefined : begin(call);
    },
    bare(index) {
      const call = byIndex.get(index);
      if (call?.number === undefined) return undefined;
      call.bare = true;
      call.pieces.length = 0;
      return call.number;
    },
    count() {
      return count;
    },
    isNameless() {
      return calls.some(({ number, pieces }) => number === undefined && pieces.join("").trim() !== "");
    },
  };
}

function stepOf({ number, id, name, custom }: Call, begins: boolean, text: string): CallStep {
  return { begins, number: number ?? 0, id, name, custom, text };
}

/** Whether a piece can belong to a call that stands at its place. */
function goesOn(call: Call, piece: Piece): boolean {
  const isOther = piece.id !== "" && call.vendorId !== "" && piece.id !== call.vendorId;
  // Some vendors make up a new ID for each piece, others give every call of a turn the index 0.
  if (isOther) return piece.name === "" && !isWhole(call);
  if (piece.name === "" || call.name === "") return true;
  if (piece.name !== call.name) return false;
  if (piece.id !== "" && piece.id === call.vendorId) return true;
  // A name that stands on every piece tells nothing; behind whole arguments, or pieces without one, it is another call's.
  return !call.bare && (piece.text.trim() === "" || !isWhole(call));
}

/** Free text says by nothing that it has ended. */
function isWhole(call: Call): boolean {
  return !call.custom && call.isWhole();
}

/** Whether a piece repeats a call that is whole: some vendors send all of it once more at the end. */
function saysAgain(call: Call, piece: Piece): boolean {
  return piece.text !== "" && piece.text === call.pieces.join("") && isWhole(call);
}

function pieceOf(raw: JsonObject): Piece {
  const custom = raw.type === "custom" || asObject(raw.custom) !== undefined;
  const given = asObject(custom ? raw.custom : raw.function) ?? {};
  const { index } = raw;
  return {
    index: typeof index === "number" && Number.isInteger(index) && index >= 0 ? index : undefined,
    id: asString(raw.id) ?? "",
    name: asString(given.name) ?? "",
    custom,
    text: textOf(custom ? given.input : given.arguments),
  };
}

/** The calls of a whole message. Undefined: one of them has no name. */
export function readWholeCalls(list: readonly unknown[], newId: () => string): readonly CallStep[] | undefined {
  const reader = createCallReader(newId);
  // Each entry is a call of its own, whatever it says of its index.
  const steps = list.flatMap((raw, index) => reader.read({ ...asObject(raw), index }) ?? []);
  return reader.isNameless() ? undefined : steps;
}

/** Arguments are a text, or the object itself at some vendors (Ollama's own format). */
function textOf(input: unknown): string {
  return typeof input === "object" && input !== null ? JSON.stringify(input) : (asString(input) ?? "");
}
