/** Media type of a document by its first bytes: a PDF's mark stands within the first kilobyte. Undefined: no document. */
export function documentTypeOf(bytes: Uint8Array): string | undefined {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1_024));
  return start.includes("%PDF-") ? "application/pdf" : undefined;
}
