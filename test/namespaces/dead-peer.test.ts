import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createNetwork, type Line, type Network, whyNoNamespaces } from './network.ts';

const skip = whyNoNamespaces() ?? false;
const TCP = { timeMs: 2_000, intervalMs: 1_000, retries: 3 };
/** Idle time and three probes a second apart. */
const DETECTED_MS = 5_000;
const TOLERANCE_MS = 1_000;

/** Cuts the client off; every way in which packets stop is a network that people have. */
const CUTS: readonly { readonly name: string; cut(network: Network): void }[] = [
  { name: 'its link is cut', cut: (network) => void network.exec('client', 'ip', 'link', 'set', 'cable', 'down') },
  {
    name: 'its packets are dropped silently',
    cut(network) {
      const ruleset = 'add table inet cut; add chain inet cut in { type filter hook input priority 0; policy drop; }';
      network.exec('client', 'nft', ruleset);
    },
  },
];

for (const { name, cut } of CUTS) {
  test(`a peer is given up at idle + interval x count when ${name}`, { skip }, async (t) => {
    const network = createNetwork();
    try {
      await keepaliveTimeout(t, network, () => cut(network));
    } finally {
      network.close();
    }
  });

  test(`a peer that leaves data unacknowledged is given up as soon when ${name}`, { skip }, async (t) => {
    const network = createNetwork();
    try {
      const worker = network.run('worker', 'worker-process.ts', JSON.stringify({ tcp: TCP }));
      await worker.line(({ event }) => event === 'ready', 20_000);
      const client = network.run('client', 'ticked-client.ts', network.workerAddress);
      await client.line(({ event }) => event === 'ticked', 20_000);
      const at = Date.now();
      cut(network);
      const closed = await worker.line((line) => isClose(line, 'http1'), 15_000);
      const took = closed.at - at;
      t.diagnostic(`http1 ${closed['reason']} after ${took} ms`);
      assert.equal(closed['reason'], 'keepalive_timeout');
      assert.ok(Math.abs(took - DETECTED_MS) <= TOLERANCE_MS + 500, `after ${took} ms`);
    } finally {
      network.close();
    }
  });

  test(`an HTTP/2 peer is given up at interval + timeout when ${name}`, { skip }, async (t) => {
    const network = createNetwork();
    try {
      const worker = network.run(
        'worker',
        'worker-process.ts',
        JSON.stringify({ http: { http2KeepaliveIntervalMs: 2_000, http2KeepaliveTimeoutMs: 1_000 } }),
      );
      await worker.line(({ event }) => event === 'ready', 20_000);
      const client = network.run('client', 'client-process.ts', network.workerAddress);
      const quiet = await client.line(({ event }) => event === 'quiet', 20_000);
      cut(network);
      const closed = await worker.line((line) => isClose(line, 'http2'), 10_000);
      const took = closed.at - quiet.at;
      t.diagnostic(`http2 ${closed['reason']} after ${took} ms`);
      assert.equal(closed['reason'], 'ping_timeout');
      assert.ok(took >= 3_000 - 300 && took <= 3_000 + TOLERANCE_MS, `after ${took} ms`);
    } finally {
      network.close();
    }
  });
}

async function keepaliveTimeout(t: TestContext, network: Network, cut: () => void): Promise<void> {
  const worker = network.run('worker', 'worker-process.ts', JSON.stringify({ tcp: TCP }));
  const ready = await worker.line(({ event }) => event === 'ready', 20_000);
  // A healthy neighbour, in the worker's own namespace, that must survive.
  const neighbour = network.run('worker', 'client-process.ts', '127.0.0.1');
  await neighbour.line(({ event }) => event === 'quiet', 20_000);
  const client = network.run('client', 'client-process.ts', network.workerAddress);
  const quiet = await client.line(({ event }) => event === 'quiet', 20_000);
  const timers = network.exec('worker', 'ss', '-Htno', 'state', 'established', '( sport = :3000 or sport = :3001 )');
  assert.equal(timers.match(/timer:\(keepalive/g)?.length, 6, timers);
  cut();
  for (const protocol of ['tcp', 'http1', 'http2']) {
    const closed = await worker.line((line) => isClose(line, protocol), 10_000);
    const took = closed.at - quiet.at;
    t.diagnostic(`${protocol} ${closed['reason']} after ${took} ms`);
    assert.equal(closed['reason'], 'keepalive_timeout');
    assert.ok(Math.abs(took - DETECTED_MS) <= TOLERANCE_MS, `${protocol} after ${took} ms`);
  }
  const page = network.exec('worker', 'curl', '-s', `http://127.0.0.1:${ready['admin']}/connections`);
  const { connections } = JSON.parse(page) as { connections: { peer: string }[] };
  assert.equal(connections.length, 3, page);
  assert.ok(connections.every(({ peer }) => peer.startsWith('127.0.0.1:')));
}

/** The end of one of the connections over the cable. */
function isClose(line: Line, protocol: string): boolean {
  return line.event === 'closed' && line['protocol'] === protocol && String(line['peer']).startsWith('10.77.');
}
