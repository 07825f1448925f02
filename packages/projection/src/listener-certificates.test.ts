import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryEventLog } from '@pulseplane/event-log';
import type { JsonObject, KubernetesObject } from '@pulseplane/resources';
import type { Certificate, Listener } from './gateway/index.ts';
import { Projection } from './index.ts';
import { selfSigned } from './testing/certificates.ts';
import { CLASS, eventOf, refOfObject } from './testing/event-of.ts';

const NAME = { namespace: 'ns', name: 'edge' };
const A = selfSigned(['a.example.com']);
const B = selfSigned(['b.example.com'], 'rsa');

type Change = 'Created' | 'SpecChanged' | 'Deleted';
type Ref = { readonly name: string; readonly namespace?: string; readonly kind?: string; readonly group?: string };

function gateway(listeners: readonly JsonObject[]): KubernetesObject {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { ...NAME, generation: 1 },
    spec: { gatewayClassName: 'agentgateway', listeners },
  };
}

/** One HTTPS listener. */
function https(certificateRefs: readonly Ref[], more: JsonObject = {}): KubernetesObject {
  return gateway([{ name: 'web', port: 443, protocol: 'HTTPS', tls: { certificateRefs }, ...more }]);
}

function secret(name: string, chain: string, key: string): KubernetesObject {
  const data = { 'tls.crt': btoa(chain), 'tls.key': btoa(key) };
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'ns' }, type: 'kubernetes.io/tls', data };
}

function pairOf(name: string, { chain, key }: Certificate): KubernetesObject {
  return secret(name, chain, key.reveal());
}

async function world(...objects: readonly KubernetesObject[]) {
  const log = createMemoryEventLog();
  let count = 0;
  const append = async (one: KubernetesObject, type: Change) => {
    count += 1;
    await log.append({ expected: [], events: [eventOf(one, type, `e${count}`)] });
  };
  for (const one of [CLASS, ...objects]) await append(one, 'Created');
  const projection = new Projection(log);
  return {
    projection,
    /** What an event may have changed, each once. */
    async change(one: KubernetesObject, type: Change) {
      await append(one, type);
      const [event = assert.fail('no event')] = log.read({ from: count, limit: 1 });
      const touched = projection.apply(event).map((one) => JSON.stringify(one));
      return [...new Set(touched)].map((one): unknown => JSON.parse(one));
    },
    listeners: () => projection.gateway(NAME).filter((resource): resource is Listener => resource.kind === 'listener'),
    conditions(type: string): string {
      const stored = log.object(refOfObject(gateway([]))) ?? assert.fail('not stored');
      const status = projection.status(stored, () => ({ kind: 'no-workers' })) as unknown as {
        readonly listeners: readonly { readonly conditions: readonly Readonly<Record<string, string>>[] }[];
      };
      const found = status.listeners[0]?.conditions.find((condition) => condition['type'] === type);
      return `${found?.['status']} ${found?.['reason']}: ${found?.['message']}`;
    },
  };
}

test('an HTTPS listener has the certificates of its Secrets in their order, on a bind of TLS', async () => {
  const { projection, listeners, conditions } = await world(
    pairOf('a', A),
    pairOf('b', B),
    https([{ name: 'b' }, { name: 'a', kind: 'Secret', group: '', namespace: 'ns' }]),
  );
  const [listener] = listeners();
  assert.deepEqual(
    [listener?.protocol, listener?.tls?.certificates.map(({ chain }) => chain)],
    ['https', [B.chain, A.chain]],
  );
  assert.deepEqual(
    listener?.tls?.certificates.map(({ key }) => key.reveal()),
    [B.key.reveal(), A.key.reveal()],
  );
  assert.deepEqual(
    projection.gateway(NAME).flatMap((resource) => (resource.kind === 'bind' ? [resource.protocol] : [])),
    ['tls'],
  );
  assert.equal(conditions('ResolvedRefs'), 'True ResolvedRefs: All references are resolved');
  assert.doesNotMatch(JSON.stringify(listeners()), /PRIVATE KEY/);
});

const UNUSABLE: readonly (readonly [string, readonly KubernetesObject[], readonly Ref[], string])[] = [
  [
    'no reference',
    [],
    [],
    'InvalidCertificateRef: Listener web speaks HTTPS and names no certificate in tls.certificateRefs',
  ],
  ['no such Secret', [], [{ name: 'a' }], 'InvalidCertificateRef: Secret ns/a not found'],
  ['what is no Secret', [], [{ name: 'a', kind: 'ConfigMap' }], 'InvalidCertificateRef: ConfigMap ns/a is no Secret'],
  [
    'a kind of another group',
    [],
    [{ name: 'a', group: 'x.io' }],
    'InvalidCertificateRef: Secret.x.io ns/a is no Secret',
  ],
  [
    'another namespace',
    [],
    [{ name: 'a', namespace: 'other' }],
    'RefNotPermitted: Secret other/a is in another namespace, and no ReferenceGrant allows that',
  ],
  [
    'the key of another certificate',
    [secret('a', A.chain, B.key.reveal())],
    [{ name: 'a' }],
    'InvalidCertificateRef: Secret ns/a has a tls.key that does not belong to its tls.crt',
  ],
  [
    'PEM around nothing',
    [secret('a', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', A.key.reveal())],
    [{ name: 'a' }],
    'InvalidCertificateRef: Secret ns/a has a tls.crt that is no certificate',
  ],
  [
    'a key that is none',
    [secret('a', A.chain, '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')],
    [{ name: 'a' }],
    'InvalidCertificateRef: Secret ns/a has a tls.key that is no private key',
  ],
  [
    'a Secret whose values cannot be opened',
    [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', namespace: 'ns' } }],
    [{ name: 'a' }],
    'InvalidCertificateRef: Secret ns/a has no tls.crt and tls.key that can be read',
  ],
];
for (const [what, secrets, refs, fault] of UNUSABLE) {
  test(`a listener without a certificate is not served: ${what}`, async () => {
    const { projection, conditions } = await world(...secrets, https(refs));
    assert.deepEqual(projection.gateway(NAME), []);
    assert.equal(conditions('ResolvedRefs'), `False ${fault}`);
    assert.equal(conditions('Accepted'), 'True Accepted: Listener is accepted');
    assert.equal(conditions('Programmed'), `False Invalid:${fault.slice(fault.indexOf(':') + 1)}`);
  });
}

test('of several certificates those that can be used are, and the status names the first that cannot', async () => {
  const { listeners, conditions } = await world(
    pairOf('a', A),
    https([{ name: 'none' }, { name: 'a' }, { name: 'no' }]),
  );
  assert.deepEqual(
    listeners()[0]?.tls?.certificates.map(({ chain }) => chain),
    [A.chain],
  );
  assert.equal(conditions('ResolvedRefs'), 'False InvalidCertificateRef: Secret ns/none not found');
  assert.match(conditions('Programmed'), /^Unknown/);
});

test('a Secret that comes, changes or goes changes the gateways that name it, and no other', async () => {
  const { change, listeners, projection } = await world(https([{ name: 'a' }]));
  const gatewayPart = [{ gateway: NAME, part: 'gateway.networking.k8s.io/Gateway/ns/edge' }];
  const shown = () => listeners().map(({ tls }) => tls?.certificates[0]?.chain);
  assert.deepEqual(projection.gateway(NAME), []);
  assert.deepEqual(await change(pairOf('a', A), 'Created'), gatewayPart);
  assert.deepEqual(shown(), [A.chain]);
  assert.deepEqual(await change(pairOf('a', B), 'SpecChanged'), gatewayPart);
  assert.deepEqual(shown(), [B.chain]);
  assert.deepEqual(await change(pairOf('other', B), 'Created'), []);
  assert.deepEqual(await change(pairOf('a', B), 'Deleted'), gatewayPart);
  assert.deepEqual(projection.gateway(NAME), []);
});

test('TLS ends at a listener of mode Terminate, and passes another by, on one port; a hostname is held once', async () => {
  const tls = { certificateRefs: [{ name: 'a' }] };
  const { listeners, projection } = await world(
    pairOf('a', A),
    gateway([
      { name: 'ends', port: 443, protocol: 'TLS', hostname: 'a.example.com', tls },
      { name: 'passes', port: 443, protocol: 'TLS', hostname: 'b.example.com', tls: { mode: 'Passthrough' } },
      { name: 'web', port: 443, protocol: 'HTTPS', tls },
      { name: 'again', port: 443, protocol: 'HTTPS', hostname: 'b.example.com', tls },
      { name: 'plain', port: 443, protocol: 'HTTP' },
    ]),
  );
  assert.deepEqual(
    listeners().map(({ listenerName, protocol, tls: own }) => [listenerName, protocol, own?.certificates.length]),
    [
      ['ends', 'tls', 1],
      ['passes', 'tls', undefined],
      ['web', 'https', 1],
    ],
  );
  assert.equal(projection.gateway(NAME).filter(({ kind }) => kind === 'bind').length, 1);
});
