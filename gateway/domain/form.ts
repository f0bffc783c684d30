import { ThroughlineError } from "../../shared/errors/error.ts";
import { spellingOf } from "./field-spelling.ts";

/** A field of a form. */
export interface TextPart {
  /** As the client wrote it, e.g. "timestamp_granularities[]". */
  readonly name: string;
  readonly value: string;
}

/** A file of a form; its bytes are in the source of the upload. */
export interface FilePart {
  readonly name: string;
  /** Empty: none. */
  readonly filename: string;
  readonly contentType: string;
  /** Where it begins in the source. */
  readonly offset: number;
  readonly length: number;
  /** In hex. */
  readonly sha256: string;
}

export type FormPart = TextPart | FilePart;

/** A form that was received whole. */
export interface Upload {
  /** In the client's order. */
  readonly parts: readonly FormPart[];
  /** The bytes of its files, one after another. */
  readonly source: UploadSource;
}

/** Where the bytes of an upload are; `shared/rpc` sends them from there. */
export interface UploadSource {
  readonly length: number;
  read(offset: number, maxBytes: number): Promise<Uint8Array>;
}

/** How a field is read: numbers and booleans arrive as text. A list is `name[]` or repeated, an object is `name[key]`. */
export type FieldKind = "text" | "number" | "boolean" | "list" | "object";

/** What the form of an endpoint may hold. Fields that are not named here travel on as they are. */
export interface FormSpec {
  readonly fields: Readonly<Record<string, { readonly kind: FieldKind; readonly required?: true }>>;
  readonly files: Readonly<Record<string, { readonly required?: true; readonly most: number }>>;
}

/** Whether a part is a file. */
export function isFile(part: FormPart): part is FilePart {
  return "sha256" in part;
}

/** The field that a part belongs to: `timestamp_granularities[]` to `timestamp_granularities`. */
export function baseName(name: string): string {
  const bracket = name.indexOf("[");
  return bracket <= 0 ? name : name.slice(0, bracket);
}

/** A checked form. */
export interface Form {
  readonly files: readonly FilePart[];
  /** Absent: not sent. */
  text(name: string): string | undefined;
  number(name: string): number | undefined;
  boolean(name: string): boolean | undefined;
  list(name: string): readonly string[];
}

/** What each kind of field may say, in words for its error. */
const shapes: Readonly<Partial<Record<FieldKind, { readonly fits: RegExp; readonly wanted: string }>>> = {
  number: { fits: /^-?\d{1,15}(\.\d{1,15})?$/, wanted: "a number" },
  boolean: { fits: /^(true|false|True|False|1|0)$/, wanted: "true or false" },
};

/** Checks the parts of a form and reads them. Throws catalogue errors with the name of the field. */
export function readForm(spec: FormSpec, parts: readonly FormPart[]): Form {
  const texts = new Map<string, string[]>();
  const files: FilePart[] = [];
  const spelling = spellingOf([...Object.keys(spec.fields), ...Object.keys(spec.files)]);
  const misspelt = spelling.misspelt(parts.map(({ name }) => baseName(name)));
  if (misspelt !== undefined) throw invalid(misspelt, `${misspelt} is spelt in lower case.`);
  for (const part of parts) {
    if (isFile(part)) files.push(checkedFile(spec, part));
    else addText(spec, texts, part);
  }
  for (const [name, { most, required }] of Object.entries(spec.files)) {
    const count = files.filter((file) => baseName(file.name) === name).length;
    if (count > most)
      throw invalid(name, most === 1 ? `${name} is given twice.` : `${name} may be given ${most} times.`);
    if (required && count === 0) throw missing(name);
  }
  for (const [name, { required }] of Object.entries(spec.fields)) {
    if (required && (texts.get(name)?.[0] ?? "") === "") throw missing(name);
  }
  const text = (name: string): string | undefined => texts.get(name)?.[0];
  return {
    files,
    text,
    number: (name) => {
      const value = text(name);
      return value === undefined ? undefined : Number(value);
    },
    boolean: (name) => {
      const value = text(name);
      return value === undefined ? undefined : /^(true|1)$/i.test(value);
    },
    list: (name) => texts.get(name) ?? [],
  };
}

function checkedFile(spec: FormSpec, file: FilePart): FilePart {
  const name = baseName(file.name);
  if (!Object.hasOwn(spec.files, name)) {
    throw invalid(
      file.name,
      !Object.hasOwn(spec.fields, name) ? `${file.name} must not be a file.` : `${name} is a field, not a file.`,
    );
  }
  if (file.length === 0) throw invalid(file.name, `${file.name} is empty.`);
  return file;
}

function addText(spec: FormSpec, texts: Map<string, string[]>, { name, value }: TextPart): void {
  const base = baseName(name);
  if (Object.hasOwn(spec.files, base)) throw invalid(name, `${name} must be a file.`);
  const kind = Object.hasOwn(spec.fields, base) ? spec.fields[base]?.kind : undefined;
  const shape = kind === undefined ? undefined : shapes[kind];
  if (shape !== undefined && !shape.fits.test(value)) throw invalid(name, `${name} must be ${shape.wanted}.`);
  // `name[key]` is a field of its own; so is one that is not known.
  const key = kind === "list" ? base : kind === undefined || kind === "object" ? name : base;
  const known = texts.get(key);
  if (known === undefined) texts.set(key, [value]);
  else if (kind === "list" || (kind === undefined && name.endsWith("[]"))) known.push(value);
  else throw invalid(name, `${name} is given twice.`);
}

function invalid(param: string, message: string): ThroughlineError {
  return new ThroughlineError("invalid_value", message, { param });
}

function missing(param: string): ThroughlineError {
  return new ThroughlineError("missing_required_field", `${param} is required.`, { param });
}

/** What a record says of an upload: its files with sizes and digests, never their bytes. */
export function uploadNotes(upload: Upload | undefined): string[] {
  return (upload?.parts ?? []).filter(isFile).map(({ name, filename, contentType, length, sha256 }) => {
    const called = filename === "" ? "" : ` ${JSON.stringify(filename.slice(0, 200))}`;
    return `upload ${name.slice(0, 100)}:${called} ${contentType.slice(0, 100)}, ${length} bytes, sha256 ${sha256}`;
  });
}
