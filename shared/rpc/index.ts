// The room's door: what the rest of the house may use.
export type { CallSpans, OpenedSpan, TracedCall } from "./call-spans.ts";
export {
  type BatchOptions,
  batchHandler,
  defineService,
  type HandlerOf,
  type HandlersOf,
  type LaneHandler,
  type ServiceDefinition,
  streamHandler,
  type UnaryHandler,
  unaryHandler,
} from "./define.ts";
export { unsentError, wasUnsent } from "./faults.ts";
export { createGrpcClient, type GrpcClientOptions } from "./grpc-client.ts";
export { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "./grpc-server.ts";
export { createHealthCheck, type HealthCheck } from "./health.ts";
export { createInProcessClient, createInProcessServer } from "./in-process.ts";
export { metadataOf } from "./metadata.ts";
export { type PeerSecrets, parsePeerSecrets } from "./peer-secret.ts";
export type { ClientTls, ServerTls } from "./tls.ts";
export { followTls, readTls, TlsFileError, type TlsFiles, type TlsMaterial } from "./tls-files.ts";
export type {
  Acknowledgement,
  BatchAnswer,
  BodySource,
  CallBody,
  CallOptions,
  ClientControl,
  ClientOptions,
  FrameSink,
  Init,
  LaneCall,
  LaneMethod,
  LaneStream,
  OpenOptions,
  RpcLog,
  ServiceClient,
  StreamCall,
  UnaryContext,
} from "./types.ts";
