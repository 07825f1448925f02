/** The quantities that agentgateway's CRDs accept for a size in bytes. */
export const QUANTITY_PATTERN =
  '^[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE](\\+?0*([0-9]|1[0-8])|-0*[0-9]))?$';

const PATTERN = new RegExp(QUANTITY_PATTERN);
const PARTS = /^([+-]?)([0-9]*)\.?([0-9]*)(.*)$/;
const MAX_LENGTH = 64;
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

const NANO = 1_000_000_000n;

/**
 * A Kubernetes quantity (`16Ki`, `1.5M`, `2e3`, 65536) in billionths, which is as exact as Kubernetes is: what is
 * finer is rounded away from zero. Undefined when it is none.
 */
export function parseNanoQuantity(quantity: string | number): bigint | undefined {
  const text = String(quantity);
  if (text.length > MAX_LENGTH || !PATTERN.test(text)) return undefined;
  const [, sign, whole = '', fraction = '', suffix = ''] = PARTS.exec(text) ?? [];
  const digits = BigInt(whole + fraction) * NANO;
  const binary = BINARY.indexOf(suffix);
  const exponent = (binary < 0 ? decimalExponent(suffix) : 0) - fraction.length;
  const scaled = binary < 0 ? digits : digits * 1024n ** BigInt(binary + 1);
  const magnitude = exponent >= 0 ? scaled * 10n ** BigInt(exponent) : divideUp(scaled, 10n ** BigInt(-exponent));
  return sign === '-' ? -magnitude : magnitude;
}

/** The integer amount of a quantity, rounded away from zero as Kubernetes does. */
export function parseQuantity(quantity: string | number): bigint | undefined {
  const nanos = parseNanoQuantity(quantity);
  if (nanos === undefined) return undefined;
  return nanos < 0n ? -divideUp(-nanos, NANO) : divideUp(nanos, NANO);
}

/** Bytes of a quantity as a number; undefined when it is no quantity. */
export function parseBytes(quantity: string | number): number | undefined {
  const amount = parseQuantity(quantity);
  return amount === undefined ? undefined : Number(amount);
}

function decimalExponent(suffix: string): number {
  return DECIMAL[suffix] ?? Number(suffix.slice(1));
}

/** Away from zero; the sign is put on afterwards. */
function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
