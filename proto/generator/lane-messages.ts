import type { DescFile, DescMessage } from "@bufbuild/protobuf";

/** Messages of all lanes, those named beside, and what they hold, in the order of their names. */
export function laneMessages(files: readonly DescFile[], also: readonly string[]): readonly DescMessage[] {
  const found = new Map<string, DescMessage>();

  function add(message: DescMessage): void {
    const known = found.get(message.name);
    if (known === message) return;
    // Functions are called by these names.
    if (known !== undefined) throw new Error(`${message.typeName} and ${known.typeName} have the same name on lanes`);
    found.set(message.name, message);
    for (const field of message.fields) if (field.message !== undefined) add(field.message);
  }

  for (const { services, messages } of files) {
    for (const message of messages) if (also.includes(message.typeName)) add(message);
    for (const { methods } of services) {
      for (const { methodKind, input, output } of methods) {
        if (methodKind !== "bidi_streaming") continue;
        add(input);
        add(output);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
