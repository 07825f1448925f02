import assert from 'node:assert/strict';
import { exec as execWithCallback } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { eventually, startSystem } from '../system/running-system.ts';
import { bash, needs } from '../system/tools.ts';
import { spawnWorker } from '../system/worker-process.ts';

const exec = promisify(execWithCallback);
const skip = needs('kubectl');
const GATEWAY = 'gateway/agentgateway-proxy -n httpbin';

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string };
type Conditions = { readonly conditions: readonly Condition[] };
type Listener = Conditions & { readonly name: string };
type Gateway = {
  readonly metadata: { readonly generation: number };
  readonly status: Conditions & { readonly listeners: readonly Listener[] };
};

/** A kubectl for a running system; fails where kubectl does. */
function kubectlOf(kubeconfig: string) {
  return (args: string): string => {
    const { code, stdout, stderr } = bash(`kubectl ${args}`, { KUBECONFIG: kubeconfig });
    assert.equal(code, 0, `kubectl ${args}: ${stderr}`);
    return stdout;
  };
}

function said({ conditions }: Conditions, type: string): readonly unknown[] {
  const { status, reason, message } = conditions.find((one) => one.type === type) ?? {};
  return [status, reason, message];
}

/** A JSON patch that adds a listener `busy` on a port. */
function withListener(port: number): string {
  return JSON.stringify([{ op: 'add', path: '/spec/listeners/-', value: { name: 'busy', port, protocol: 'HTTP' } }]);
}

function policyOn(port: number): string {
  return JSON.stringify({
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name: 'busy', namespace: 'httpbin' },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy', port }],
      frontend: { tcp: { keepalive: { retries: 3 } } },
    },
  });
}

async function squatter() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, leave: () => new Promise((resolve) => server.close(resolve)) };
}

test('a port in use is seen in conditions, Events and watches, is never Programmed before, and heals by itself', {
  skip,
}, async () => {
  await using system = await startSystem();
  const kubectl = kubectlOf(system.kubeconfig);
  kubectl(`wait --for=condition=Programmed ${GATEWAY} --timeout=20s`);
  const { port, leave } = await squatter();
  const url = `http://127.0.0.1:${system.ports.rest}/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways/agentgateway-proxy`;
  const read = async () => (await (await fetch(url)).json()) as Gateway;
  // Every state that a reader can see from before the change on.
  const { generation } = (await read()).metadata;
  const seen = new Set<string>();
  let watching = true;
  const watcher = (async () => {
    while (watching) {
      const gateway = await read();
      if (gateway.metadata.generation > generation) seen.add(said(gateway.status, 'Programmed').slice(0, 2).join(' '));
    }
  })();
  const headers = { 'content-type': 'application/json-patch+json' };
  assert.equal((await fetch(url, { method: 'PATCH', headers, body: withListener(port) })).status, 200);
  const message = await eventually(async () => {
    const { status } = await read();
    const [value, reason, text] = said(status, 'Programmed');
    assert.deepEqual([value, reason], ['False', 'PortUnavailable']);
    return String(text);
  });
  await eventually(() => assert.equal(seen.has('False PortUnavailable'), true));
  watching = false;
  await watcher;
  // That it is pending may be over before anybody has read it.
  seen.delete('False Pending');
  assert.deepEqual([...seen], ['False PortUnavailable']);
  kubectl(`wait --for=condition=Programmed=False ${GATEWAY} --timeout=20s`);
  assert.match(
    message,
    new RegExp(`^Listener busy: Port ${port} cannot be opened by \\S+ \\(EADDRINUSE 127\\.0\\.0\\.1:${port}\\)$`),
  );
  const { listeners } = (await read()).status;
  const busy = listeners.find(({ name }) => name === 'busy');
  assert(busy);
  assert.deepEqual(said(busy, 'Accepted').slice(0, 2), ['False', 'PortUnavailable']);
  assert.deepEqual(said(busy, 'Programmed').slice(0, 2), ['False', 'PortUnavailable']);
  for (const other of listeners.filter(({ name }) => name !== 'busy')) {
    assert.equal(said(other, 'Programmed')[0], 'True', other.name);
  }

  kubectl(`apply -f - <<<'${policyOn(port)}'`);
  const policyReason = () =>
    kubectl(`get agpol busy -n httpbin -o jsonpath='{.status.conditions[?(@.type=="Programmed")].reason}'`);
  await eventually(() => assert.equal(policyReason(), 'PortUnavailable'));
  const events = (type: string) => {
    const selector = `involvedObject.kind=Gateway,type=${type}`;
    const path = `{range .items[*]}{.reason} x{.count} {.message}{"\\n"}{end}`;
    return kubectl(`get events -n httpbin --field-selector ${selector} -o jsonpath='${path}'`).trim().split('\n');
  };
  await eventually(() => assert.deepEqual(events('Warning'), [`PortUnavailable x1 ${message}`]));
  assert.match(kubectl(`describe ${GATEWAY}`), /Warning +PortUnavailable .*EADDRINUSE/);
  const programmed = () => events('Normal').filter((line) => line.startsWith('Programmed '));
  const before = programmed();

  // It waits before the port is free, so it is told by its watch.
  const waits = [GATEWAY, 'agpol/busy -n httpbin'].map((what) =>
    exec(`kubectl wait --for=condition=Programmed ${what} --timeout=30s`, {
      env: { ...process.env, KUBECONFIG: system.kubeconfig },
    }),
  );
  await sleep(1_500);
  await leave();
  for (const { stdout } of await Promise.all(waits)) assert.match(stdout, /condition met/);
  await eventually(() => {
    assert.deepEqual(events('Warning'), [`PortUnavailable x1 ${message}`]);
    assert.notDeepEqual(programmed(), before);
  });
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 404);
});

test('one worker of two that cannot open its ports is named, the listeners stay accepted, and it is over when it goes', {
  skip,
}, async () => {
  await using system = await startSystem();
  const kubectl = kubectlOf(system.kubeconfig);
  kubectl(`wait --for=condition=Programmed ${GATEWAY} --timeout=20s`);
  const read = () => JSON.parse(kubectl(`get ${GATEWAY} -o json`)) as Gateway;
  {
    // An address for documentation (RFC 5737) that no machine has.
    await using _worker = await spawnWorker({ xds: system.ports.xds, nodeId: 'stray', listenAddress: '192.0.2.1' });
    kubectl(`wait --for=condition=Programmed=False ${GATEWAY} --timeout=20s`);
    const { http } = system.ports;
    const message = `Port ${http} cannot be opened by stray (EADDRNOTAVAIL 192.0.2.1:${http})`;
    await eventually(() => assert.match(String(said(read().status, 'Programmed')[2]), /EADDRNOTAVAIL/));
    const [listener] = read().status.listeners.filter(({ name }) => name === 'http');
    assert(listener);
    assert.deepEqual(said(listener, 'Programmed'), ['False', 'PortUnavailable', message]);
    assert.equal(said(listener, 'Accepted')[0], 'True');
  }
  kubectl(`wait --for=condition=Programmed ${GATEWAY} --timeout=20s`);
});
