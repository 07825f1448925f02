import type { JsonObject } from '../object.ts';

type Spec = { readonly static?: { readonly host: string } };

const MAX_NAME = 253;
/** What of ASCII is in no host name that resolvers of Linux ask for. Letters of other alphabets are translated there. */
const NO_NAME = /[^-._A-Za-z0-9\u0080-\u{10ffff}]/u;
/** A name whose last part is a number is an address: no top-level domain is one. */
const NUMERIC = /(^|\.)(\d+|0[xX][0-9A-Fa-f]*)\.?$/;
const LABEL = 63;

const MULTICAST = /^(22[4-9]|23\d)\.\d+\.\d+\.\d+$|^ff[0-9a-f]{2}:/i;
/** The interface that an address of its link is at. */
const ZONE = /%.*$/;

/** Hosts that agentgateway accepts and no connection can be made to. */
export function backendHints(spec: JsonObject): readonly string[] {
  // The spec fits the schema, which is what the type says.
  const { host } = (spec as unknown as Spec).static ?? {};
  const rule = host === undefined ? undefined : hostRule(host);
  if (rule === undefined) return [];
  return [`spec.static.host: ${JSON.stringify(host)} can never be connected to: ${rule}`];
}

/** The rule that a host breaks. */
function hostRule(host: string): string | undefined {
  if (host.includes('://')) return 'it must be a host alone, without a scheme';
  if (host.startsWith('[')) return 'IPv6 addresses are written without brackets here';
  if (/^[^:]+:\d+$/.test(host)) return 'it must be a host alone; the port goes to spec.static.port';
  if (host.includes(':') && !URL.canParse(`http://[${host.replace(ZONE, '')}]`)) return 'it is no IPv6 address';
  if (MULTICAST.test(host)) return 'multicast addresses have no TCP';
  if (host.includes(':')) return undefined;
  if (NO_NAME.test(host)) return 'it must be a DNS name or an IP address; names have letters, digits, "-", "_" and "."';
  // The short forms of IPv4 (10.1, 0x7f.1) are read as Linux reads them.
  if (NUMERIC.test(host)) return URL.canParse(`http://${host}`) ? undefined : 'it is no IPv4 address';
  const name = host.replace(/\.$/, '');
  if (name.length > MAX_NAME) return `a DNS name has at most ${MAX_NAME} characters`;
  const isWhole = name.split('.').every((label) => label.length > 0 && label.length <= LABEL);
  if (!isWhole) return `each part of a DNS name has 1 to ${LABEL} characters`;
  return name.startsWith('-') ? 'a DNS name does not begin with "-"' : undefined;
}
