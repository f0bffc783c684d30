import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../shared/free-ports.ts";
import type { Role } from "./role-env.ts";

/** Roles that are called over gRPC. */
const called = ["routing", "history", "billing", "provider-adapter", "jobs"] as const satisfies readonly Role[];

type Called = (typeof called)[number];

/** Where the processes of a mesh reach one another. */
export interface MeshAddresses {
  /** Variables that make a role listen at its address. */
  listen(role: Role): Readonly<Record<string, string>>;
  /** gRPC target of a role. */
  target(role: Called): string;
  /** A free port for the edge. */
  readonly edgePort: number;
  /** Removes what is left of them. */
  remove(): void;
}

/** A path of a socket has 107 bytes on Linux, 103 on macOS. */
const longestPath = 100;

/**
 * Sockets in a folder that this user alone can enter: a message over one costs less than over TCP, and nobody else on the machine
 * can call. Ports of 127.0.0.1 where there are no such sockets, where the folder's path is too long for one, and where the
 * processes talk TLS, whose certificates are for names of hosts.
 */
export async function meshAddresses(tls: boolean): Promise<MeshAddresses> {
  const [edgePort = 0, ...ports] = await freePorts(1 + called.length);
  const folder = tls || process.platform === "win32" ? undefined : mkdtempSync(join(tmpdir(), "throughline-mesh-"));
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  if (folder !== undefined && folder.length + Math.max(...called.map((role) => role.length)) < longestPath) {
    const target = (role: Role) => `unix:${join(folder, role)}`;
    return { listen: (role) => (isCalled(role) ? { GRPC_HOST: target(role) } : {}), target, edgePort, remove };
  }
  const portOf = (role: Called) => ports[called.indexOf(role)] ?? 0;
  return {
    listen: (role) => (isCalled(role) ? { GRPC_HOST: "127.0.0.1", GRPC_PORT: String(portOf(role)) } : {}),
    target: (role) => `dns:///127.0.0.1:${portOf(role)}`,
    edgePort,
    remove,
  };
}

function isCalled(role: Role): role is Called {
  return called.some((name) => name === role);
}
