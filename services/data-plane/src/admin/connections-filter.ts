/** One row of the page, as JSON has it. */
export type Row = Readonly<Record<string, unknown>>;

/** Which rows are asked for, or what is wrong with the question. */
export type ConnectionsFilter =
  | { readonly kind: 'filter'; readonly matches: (row: Row) => boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/** Whether a row has what a parameter asks for. A row without the field has not. */
type Test = (row: Row, wanted: string) => boolean;

const is =
  (field: string): Test =>
  (row, wanted) =>
    valueAt(row, field) === wanted;

/** One for any section of the policies. */
const anyOf =
  (field: string, isWanted: (value: string, wanted: string) => boolean): Test =>
  (row, wanted) =>
    Object.values(row[field] ?? {}).some((value) => typeof value === 'string' && isWanted(value, wanted));

/** With its port or without; one of IPv6 stands in brackets, and need not be asked for so. */
const address =
  (field: string): Test =>
  (row, wanted) => {
    const value = row[field];
    if (typeof value !== 'string') return false;
    const host = value.replace(/:\d+$/, '');
    return value === wanted || host === wanted || host === `[${wanted}]`;
  };

const EXACT = [
  ...['id', 'listener', 'protocol', 'serverName', 'backend', 'route'],
  ...['tls.version', 'tls.cipher', 'tls.alpn'],
];
const TESTS: Readonly<Record<string, Test>> = {
  ...Object.fromEntries(EXACT.map((field) => [field, is(field)])),
  ...Object.fromEntries(['peer', 'via', 'local'].map((field) => [field, address(field)])),
  // The key, or the policy's own namespace and name within it.
  policy: anyOf('policy', (key, wanted) => key === wanted || key.includes(`/${wanted}:`)),
  policyVersion: anyOf('policyVersion', (version, wanted) => version === wanted),
  // Whether TLS ends here, and not what is passed on as it comes.
  tls: ({ tls }, wanted) => tls !== undefined && (tls !== null) === (wanted === 'true'),
};
/** Parameters that take no other values. */
const VALUES: Readonly<Record<string, readonly string[]>> = { tls: ['true', 'false'] };

/** Each may be asked for with `min.` and `max.` before it. */
const NUMBERS = [
  ...['ageMs', 'idleMs', 'bytesIn', 'bytesOut', 'unansweredProbes', 'rttMs', 'lastPingRttMs', 'requests'],
  ...['keepalive.idleSeconds', 'keepalive.intervalSeconds', 'keepalive.probes', 'keepalive.userTimeoutMs'],
];
const BOUND = /^(min|max)\.(.+)$/;

/** Reads the parameters of a question; a row has to do for all of them, and for one of those that are repeated. */
export function connectionsFilter(query: URLSearchParams): ConnectionsFilter {
  const conditions: ((row: Row) => boolean)[] = [];
  for (const name of new Set(query.keys())) {
    const values = query.getAll(name);
    const test = Object.hasOwn(TESTS, name) ? TESTS[name] : undefined;
    if (test !== undefined) {
      const wrong = values.find((value) => VALUES[name]?.includes(value) === false);
      if (wrong !== undefined) {
        return { kind: 'refused', reason: `${name}: ${JSON.stringify(wrong)} is none of ${VALUES[name]?.join(', ')}` };
      }
      conditions.push((row) => values.some((value) => test(row, value)));
      continue;
    }
    const [, bound, field = ''] = BOUND.exec(name) ?? [];
    if (bound === undefined || !NUMBERS.includes(field)) return refused(name);
    for (const value of values) {
      if (!/^\d+(\.\d+)?$/.test(value)) {
        return { kind: 'refused', reason: `${name}: ${JSON.stringify(value)} is not a number` };
      }
      conditions.push((row) => {
        const found = valueAt(row, field);
        if (typeof found !== 'number') return false;
        return bound === 'min' ? found >= Number(value) : found <= Number(value);
      });
    }
  }
  return { kind: 'filter', matches: (row) => conditions.every((holds) => holds(row)) };
}

function valueAt(row: Row, field: string): unknown {
  let value: unknown = row;
  for (const part of field.split('.')) value = (value as Row | null | undefined)?.[part];
  return value;
}

function refused(name: string): ConnectionsFilter {
  const known = [...Object.keys(TESTS), `min. and max. with ${NUMBERS.join(', ')}`].join(', ');
  return { kind: 'refused', reason: `${JSON.stringify(name)} is no parameter of this page; those are ${known}` };
}
