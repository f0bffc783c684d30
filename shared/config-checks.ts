import { isIP } from "node:net";

/**
 * What is wrong with the value of a variable, in words that follow its name; undefined: nothing. The words never repeat the
 * value, which may be a secret.
 */
export type Check = (value: string) => string | undefined;

const hostName = /^[\p{L}\p{N}_.-]+$/u;
/** A name of a host, or an address; IPv6 without brackets. */
const isHost = (text: string) => hostName.test(text) || isIP(text.replace(/%[\w.-]+$/, "")) !== 0;
/** A host with a port, as a target has it; IPv6 in brackets. */
const hostAndPort = /^(?:[\p{L}\p{N}_.-]+|\[[\da-fA-F:.]+\]):(\d{1,5})$/u;

function isHostAndPort(text: string): boolean {
  const port = Number(hostAndPort.exec(text)?.[1]);
  return port >= 1 && port <= 65_535;
}

/** An address to listen on. */
export const listenHost: Check = (value) =>
  isHost(value) ? undefined : "must be an address of this machine or a name, without a port";

/** An address to listen on, or a socket in the file system. */
export const grpcHost: Check = (value) =>
  isHost(value) || /^unix:\/?[^/\s]/.test(value)
    ? undefined
    : "must be an address of this machine or a name, without a port, or unix:/path";

/** A target of gRPC: without a port it would be asked at 443, and another scheme than these is nobody's. */
export const grpcTarget: Check = (value) => {
  const [, scheme = "dns", rest = ""] = /^(?:(dns|ipv4|ipv6|unix):)?(.*)$/s.exec(value) ?? [];
  const isGood =
    scheme === "unix"
      ? /^(?:\/\/)?[^\s]+$/.test(rest)
      : scheme === "dns"
        ? isHostAndPort(rest.replace(/^\/\/[^/]*\//, ""))
        : rest.split(",").every(isHostAndPort);
  return isGood ? undefined : "must be a gRPC target with a port, such as dns:///billing:50051";
};

/** A key of clients: billing stores no other, and no other could be sent in a header. */
export const clientKey: Check = (value) =>
  /^[\x21-\x7e]{16,512}$/.test(value) ? undefined : "must have 16 to 512 characters, visible ASCII alone";

/** The address of a trace, with a place for its ID. */
export const traceAddress: Check = (value) =>
  value.includes("{trace_id}") ? undefined : "must hold {trace_id}, such as http://localhost:16686/trace/{trace_id}";

/** The address of a server alone. */
export const originAlone: Check = (value) =>
  /^[a-z]+:\/\/[^/?#@\s]+\/*$/i.test(value)
    ? undefined
    : "must be an address without user, path and query, such as https://api.example.com";
