import ipaddr from "ipaddr.js";

/**
 * Public by its range, yet a cloud's own: Azure's wire server, which gives out secrets of the machine
 * (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
 */
const ofClouds: ReadonlySet<string> = new Set(["168.63.129.16"]);
/** What is given out to the public; the rest of IPv6 is special or not given out (iana.org, IPv6 address space). */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * True: the address belongs to the public internet. Private, loopback, link-local (cloud metadata), carrier NAT,
 * multicast, reserved and documentation ranges do not, nor does IPv6 that carries an IPv4 address within it (mapped,
 * compatible, NAT64, 6to4, Teredo).
 */
export function isPublicAddress(text: string): boolean {
  // Only the four-part decimal form: what is written in others was normalised by the URL parser before, or is no address.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return ipaddr.IPv4.parse(text).range() === "unicast" && !ofClouds.has(text);
  }
  if (!ipaddr.IPv6.isValid(text)) return false;
  const address = ipaddr.IPv6.parse(text);
  return address.range() === "unicast" && address.match(globalUnicast);
}
