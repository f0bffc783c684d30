import { createRequire } from "node:module";
import { toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Server, ServerDuplexStream } from "@grpc/grpc-js";
import type { ServiceDefinition } from "./define.ts";

type Library = typeof import("@grpc/reflection");
type Given = ConstructorParameters<Library["ReflectionService"]>[0];

/** One version of the reflection protocol, as the library serves it. */
interface Version {
  handle(stream: ServerDuplexStream<unknown, unknown>): void;
  deserialize(bytes: Buffer): unknown;
  serialize(message: unknown): Buffer;
}

const pathOf = (version: string): string => `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
const versions = ["v1", "v1alpha"] as const;

/**
 * Serves reflection of the definitions. Few processes are ever asked for it, and the library reads and compiles two files of
 * protobuf and all of ours, 25 ms of each start: so the first call has it loaded.
 */
export function serveReflection(server: Pick<Server, "register">, definitions: readonly ServiceDefinition[]): void {
  let loaded: ReadonlyMap<string, Version> | undefined;
  const versionOf = (path: string): Version => {
    loaded ??= load(definitions);
    const version = loaded.get(path);
    if (version === undefined) throw new Error(`The library of reflection does not serve ${path}`);
    return version;
  };
  for (const path of versions.map(pathOf)) {
    server.register(
      path,
      (stream: ServerDuplexStream<unknown, unknown>) => versionOf(path).handle(stream),
      (message: unknown) => versionOf(path).serialize(message),
      (bytes: Buffer) => versionOf(path).deserialize(bytes),
      "bidi",
    );
  }
}

/** What the library would have a server serve, by path. */
function load(definitions: readonly ServiceDefinition[]): ReadonlyMap<string, Version> {
  // Without a promise: grpc-js asks for the reader of a message at once.
  const { ReflectionService } = createRequire(import.meta.url)("@grpc/reflection") as Library;
  const found = new Map<string, Version>();
  const server: Pick<Server, "addService"> = {
    addService(service, handlers) {
      for (const [name, { path, requestDeserialize, responseSerialize }] of Object.entries(service)) {
        const handle = handlers[name];
        if (handle === undefined) continue;
        found.set(path, {
          handle: handle as Version["handle"],
          deserialize: requestDeserialize,
          serialize: responseSerialize,
        });
      }
    },
  };
  new ReflectionService(reflected(definitions)).addToServer(server);
  return found;
}

/** What the library reads: the files of each service and those they import. */
function reflected(definitions: readonly ServiceDefinition[]): Given {
  const files = new Set<ServiceDefinition["service"]["file"]>();
  const add = (file: ServiceDefinition["service"]["file"]): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const imported of file.dependencies) add(imported);
  };
  for (const { service } of definitions) add(service.file);
  const fileDescriptorProtos = [...files].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  return { files: { format: "Protocol Buffer 3 DescriptorProto", type: {}, fileDescriptorProtos } };
}
