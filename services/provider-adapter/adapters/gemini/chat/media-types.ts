/** Types by the ending of a name, of what the vendor's models read. */
const byEnding: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  wav: "audio/wav",
  mp3: "audio/mp3",
  mp4: "video/mp4",
  mov: "video/mov",
  webm: "video/webm",
};

/** The type that the ending of an address says; undefined: none that is known. */
export function mediaTypeOfUrl(url: string): string | undefined {
  // Not by a pattern: of many marks before a line break each would be tried to the end of the line.
  const mark = url.search(/[?#]/);
  const path = mark < 0 ? url : url.slice(0, mark);
  return byEnding[path.slice(path.lastIndexOf(".") + 1).toLowerCase()];
}
