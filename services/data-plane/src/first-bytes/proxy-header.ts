import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Reading } from './first-bytes.ts';

/**
 * Who a proxy says the client is. Undefined: it is the connection's own (v1 UNKNOWN, v2 LOCAL, and what has no IP
 * address).
 */
type ProxiedClient = { readonly address: string; readonly port: number } | undefined;

/** The versions of the PROXY protocol that are looked for. */
export type ProxyVersions = 'v1' | 'v2' | 'all';

/** The first bytes are no PROXY header; all of them belong to whatever comes next. */
export type ProxyHeader = { readonly client: ProxiedClient } | 'absent';

const V1 = Buffer.from('PROXY ');
const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
/** With its CRLF; what is longer is invalid (proxy-protocol.txt, section 2.1). */
const V1_LONGEST = 107;
/** Signature, version and command, family and transport, length (section 2.2). */
const V2_FIXED = 16;
/** What a family and transport take of a v2 header; others are invalid (section 2.2). */
const V2_ADDRESSES: ReadonlyMap<number, { readonly bytes: number; readonly ip?: 4 | 16 }> = new Map([
  [0x00, { bytes: 0 }],
  [0x11, { bytes: 12, ip: 4 }],
  [0x12, { bytes: 12 }],
  [0x21, { bytes: 36, ip: 16 }],
  [0x22, { bytes: 36 }],
  [0x31, { bytes: 216 }],
  [0x32, { bytes: 216 }],
]);

/**
 * The header of the PROXY protocol, as HAProxy's proxy-protocol.txt has it: v1 in section 2.1, v2 in section 2.2. TLVs
 * are skipped. Datagrams and UNIX sockets count as UNSPEC, as a receiver may have it.
 */
export function readProxyHeader(versions: ProxyVersions): (seen: Buffer) => Reading<ProxyHeader> {
  const known = [
    ...(versions === 'v2' ? [] : [{ signature: V1, read: readV1 }]),
    ...(versions === 'v1' ? [] : [{ signature: V2, read: readV2 }]),
  ];
  return (seen) => {
    const possible = known.find(({ signature }) => {
      const length = Math.min(seen.length, signature.length);
      return seen.compare(signature, 0, length, 0, length) === 0;
    });
    if (possible === undefined) return { kind: 'found', found: 'absent', length: 0 };
    if (seen.length < possible.signature.length) return { kind: 'more', needed: seen.length + 1 };
    return possible.read(seen);
  };
}

function readV1(seen: Buffer): Reading<ProxyHeader> {
  const end = seen.subarray(0, V1_LONGEST).indexOf('\r\n');
  if (end === -1) {
    return seen.length < V1_LONGEST
      ? { kind: 'more', needed: seen.length + 1 }
      : malformed(`v1 has no CRLF in ${V1_LONGEST} bytes`);
  }
  const length = end + 2;
  const [, family, source = '', destination = '', from = '', to = '', ...more] = seen
    .toString('latin1', 0, end)
    .split(' ');
  // What follows UNKNOWN is to be ignored.
  if (family === 'UNKNOWN') return found(undefined, length);
  if (family !== 'TCP4' && family !== 'TCP6') return malformed('v1 is neither TCP4, TCP6 nor UNKNOWN');
  const isAddress = family === 'TCP4' ? isIPv4 : isPlainIpv6;
  if (!isAddress(source) || !isAddress(destination)) return malformed(`v1 has no two addresses of ${family}`);
  if (!isPort(from) || !isPort(to) || more.length > 0) return malformed('v1 does not end in two ports');
  return found({ address: canonical(source), port: Number(from) }, length);
}

function readV2(seen: Buffer): Reading<ProxyHeader> {
  if (seen.length < V2_FIXED) return { kind: 'more', needed: V2_FIXED };
  const [version, command] = nibbles(seen.readUInt8(12));
  if (version !== 2 || command > 1) return malformed(`v2 has version ${version} and command ${command}`);
  const length = V2_FIXED + seen.readUInt16BE(14);
  const isLocal = command === 0;
  const addresses = V2_ADDRESSES.get(seen.readUInt8(13));
  if (!isLocal && addresses === undefined) {
    return malformed(`v2 has the family and transport 0x${seen.toString('hex', 13, 14)}`);
  }
  if (!isLocal && addresses !== undefined && length < V2_FIXED + addresses.bytes) {
    return malformed(`v2 has a length of ${length - V2_FIXED}, and its addresses take ${addresses.bytes}`);
  }
  if (seen.length < length) return { kind: 'more', needed: length };
  // The real endpoints count for LOCAL, and its family is ignored.
  if (isLocal || addresses?.ip === undefined) return found(undefined, length);
  const source = seen.subarray(V2_FIXED, V2_FIXED + addresses.ip);
  const port = seen.readUInt16BE(V2_FIXED + 2 * addresses.ip);
  return found({ address: addresses.ip === 4 ? source.join('.') : toIpv6(source), port }, length);
}

function found(client: ProxiedClient, length: number): Reading<ProxyHeader> {
  return { kind: 'found', found: { client }, length };
}

function malformed(error: string): Reading<ProxyHeader> {
  return { kind: 'malformed', error: `PROXY header: ${error}` };
}

function nibbles(byte: number): readonly [number, number] {
  return [byte >> 4, byte & 0x0f];
}

/** Decimal, without leading zeros. */
function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

/** A zone means nothing to another host. */
function isPlainIpv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function toIpv6(bytes: Buffer): string {
  return canonical((bytes.toString('hex').match(/.{4}/g) ?? []).join(':'));
}

/** As the kernel writes it, so that one client has one name. */
function canonical(address: string): string {
  return new SocketAddress({ address, family: isIPv4(address) ? 'ipv4' : 'ipv6' }).address;
}
