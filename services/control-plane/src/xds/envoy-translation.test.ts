import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayResource } from '@pulseplane/projection/gateway';
import type { NodeIdentity } from '@pulseplane/xds';
import { envoyTranslation } from './envoy-translation.ts';

const GATEWAY = { namespace: 'ns', name: 'gw' };
const RESOURCES: readonly GatewayResource[] = [
  { kind: 'bind', key: '3000/ns/gw', port: 3000, protocol: 'http' },
  {
    kind: 'listener',
    key: 'ns/gw.http',
    bindKey: '3000/ns/gw',
    gateway: GATEWAY,
    listenerName: 'http',
    hostname: '',
    protocol: 'http',
  },
  {
    kind: 'policy',
    key: 'p',
    name: { kind: 'AgentgatewayPolicy', namespace: 'ns', name: 'p' },
    target: { gateway: GATEWAY },
    frontend: { section: 'tcp', keepalive: {} },
  },
];

/** The Listeners that a node gets: their names and bytes as text. */
function listenersOf(node: Partial<NodeIdentity>): readonly { readonly name: string; readonly text: string }[] {
  const { variantOf, translate } = envoyTranslation();
  return translate(GATEWAY, RESOURCES, variantOf?.({ id: 'n', role: 'ns~gw', ...node }) ?? '')
    .filter(({ typeUrl }) => typeUrl.endsWith('.Listener'))
    .map(({ name, value }) => ({ name, text: Buffer.from(value).toString('latin1') }));
}

test('gRPC clients get listeners that listen on nothing, Envoys get ports', () => {
  for (const userAgent of ['gRPC Node Pure JS', 'grpc-go 1.70.0', 'gRPC C-core linux']) {
    assert.deepEqual(
      listenersOf({ userAgent }).map(({ name }) => name),
      ['gw.ns:3000'],
    );
  }
  for (const node of [{ userAgent: 'envoy 1.40.0' }, {}]) {
    assert.deepEqual(
      listenersOf(node).map(({ name }) => name),
      ['3000/ns/gw'],
    );
  }
});

test('an Envoy before 1.37, and no other, gets socket options', () => {
  const usesOptions = (userAgent: string): boolean => /TCP_KEEPIDLE/.test(listenersOf({ userAgent })[0]?.text ?? '');
  assert.deepEqual(['envoy 1.36.4', 'envoy 1.37.0', 'envoy 2.0.0', 'envoy', ''].map(usesOptions), [
    true,
    false,
    false,
    false,
    false,
  ]);
});

test('the ports are opened where the node says, else on loopback', () => {
  const address = (listenAddress?: string): string | undefined =>
    /127\.0\.0\.1|0\.0\.0\.0|::1/.exec(
      listenersOf(listenAddress === undefined ? {} : { listenAddress })[0]?.text ?? '',
    )?.[0];
  assert.deepEqual([undefined, '0.0.0.0', '::1', 'no address'].map(address), [
    '127.0.0.1',
    '0.0.0.0',
    '::1',
    '127.0.0.1',
  ]);
});
