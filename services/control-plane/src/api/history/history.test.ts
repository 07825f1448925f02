import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, test } from 'node:test';
import type { EventLog } from '@pulseplane/event-log';
import {
  ALL_POLICIES,
  type ApiFixture,
  CLASS,
  CLASSES,
  createFixture,
  MERGE,
  POLICIES,
  POLICY,
  TCP_POLICY,
} from '../testing/api-fixture.ts';
import { closeLogs, EVENT_LOGS } from '../testing/event-logs.ts';

const merge = { 'content-type': MERGE };
const keepalive = (time: string) => ({ spec: { frontend: { tcp: { keepalive: { time } } } } });
const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const GATEWAY = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'agentgateway-proxy', namespace: 'httpbin' },
  spec: {
    gatewayClassName: 'agentgateway',
    listeners: [
      { name: 'http', port: 3000, protocol: 'HTTP' },
      { name: 'tcp', port: 3001, protocol: 'TCP' },
    ],
  },
};

type Explained = {
  readonly name: string;
  readonly value: unknown;
  readonly source: {
    readonly field: string;
    readonly policy: { readonly name: string };
    readonly event: { readonly seq: number };
  };
};
type Page = { readonly metadata: { readonly continue?: string }; readonly items: readonly { readonly seq: number }[] };

for (const { name, open } of EVENT_LOGS) {
  describe(`on the ${name} log`, () => {
    afterEach(closeLogs);

    /** Events 3 to 6: created, time 60s, labelled, deleted; a second apart from 11:00:03. */
    async function withStory(): Promise<ApiFixture> {
      let log: EventLog | undefined;
      const now = () => new Date(Date.UTC(2026, 10, 22, 11, 0, (log?.head() ?? 0) + 1));
      const fixture = await createFixture({ log: open(), now });
      log = fixture.log;
      const { send } = fixture;
      await send('POST', POLICIES, TCP_POLICY);
      await send('PATCH', `${POLICY}?fieldManager=alice`, keepalive('60s'), merge);
      await send('PATCH', POLICY, { metadata: { labels: { 'x.io/team': 'a' } } }, merge);
      await send('DELETE', POLICY);
      return fixture;
    }

    describe('history', () => {
      test('says who did what, through what, newest first, of a deleted object too', async () => {
        const { send } = await withStory();
        const { kind, apiVersion, metadata, items } = (await send('GET', `${POLICY}/history`)).json();
        assert.deepEqual([kind, apiVersion], ['ObjectHistory', 'pulseplane.dev/v1']);
        assert.deepEqual(metadata, { name: 'httpbin-keepalive', namespace: 'httpbin', resourceVersion: '6' });
        const told = items.map(({ seq, type, generation, diff }: Record<string, unknown>) => [
          seq,
          type,
          generation,
          diff,
        ]);
        assert.deepEqual(told.slice(0, 3), [
          [6, 'Deleted', 2, []],
          [5, 'MetadataChanged', 2, ['+ metadata.labels["x.io/team"]: a']],
          [4, 'SpecChanged', 2, ['spec.frontend.tcp.keepalive.time: 30s -> 60s']],
        ]);
        assert.ok(told[3][3].includes('+ spec.frontend.tcp.keepalive.time: 30s'));
        const { actor, requestId, correlationId, uid, time } = items[2];
        assert.deepEqual(actor, { user: 'anonymous', via: 'alice' });
        assert.ok(requestId && correlationId && uid);
        assert.equal(time, '2026-11-22T11:00:04.000Z');
      });

      test('comes in pages', async () => {
        const { send } = await withStory();
        const seqs: number[] = [];
        for (let next: string | undefined = '7'; next !== undefined; ) {
          const answer = await send('GET', `${POLICY}/history?limit=3&before=${next}`);
          const { metadata, items }: Page = answer.json();
          seqs.push(...items.map(({ seq }) => seq));
          next = metadata.continue;
        }
        assert.deepEqual(seqs, [6, 5, 4, 3]);
        assert.deepEqual((await send('GET', `${POLICY}/history?before=1`)).json().items, []);
      });
    });

    describe('time travel', () => {
      test('an object and a list as they were', async () => {
        const { send } = await withStory();
        const object = (await send('GET', `${POLICY}?at=4`)).json();
        assert.equal(object.metadata.resourceVersion, '4');
        assert.equal(object.spec.frontend.tcp.keepalive.time, '60s');
        assert.equal((await send('GET', `${POLICY}?at=5`)).json().metadata.resourceVersion, '5');
        for (const url of [POLICIES, ALL_POLICIES]) {
          const list = (await send('GET', `${url}?at=3`)).json();
          assert.equal(list.metadata.resourceVersion, '3');
          assert.equal(list.items[0].spec.frontend.tcp.keepalive.time, '30s');
          assert.deepEqual((await send('GET', `${url}?at=6`)).json().items, []);
          assert.deepEqual((await send('GET', `${url}?at=4&labelSelector=x.io/team`)).json().items, []);
          assert.equal((await send('GET', `${url}?at=5&labelSelector=x.io/team`)).json().items.length, 1);
        }
      });

      test('by a time: up to and with the events at it', async () => {
        const { send } = await withStory();
        const cases: readonly (readonly [at: string, version: string | undefined])[] = [
          ['2026-11-22T11:00:02.999Z', undefined],
          ['2026-11-22T11:00:03Z', '3'],
          ['2026-11-22T13:00:04%2B02:00', '4'],
          ['2026-11-22T13:00:04+02:00', '4'],
          ['2026-11-22T06:00:05.9999-05:00', '5'],
          ['2001-01-01T00:00:00Z', undefined],
        ];
        for (const [at, version] of cases) {
          const answer = await send('GET', `${POLICY}?at=${at}`);
          assert.equal(answer.statusCode, version === undefined ? 404 : 200, at);
          assert.equal(answer.json().metadata.resourceVersion, version, at);
        }
      });

      test('the past has no status: nothing of it was stored', async () => {
        const { send } = await createFixture({ log: open(), statusOf: () => ({ ancestors: [] }) });
        await send('POST', POLICIES, TCP_POLICY);
        assert.ok((await send('GET', POLICY)).json().status);
        assert.equal((await send('GET', `${POLICY}?at=3`)).json().status, undefined);
      });
    });

    describe('diff', () => {
      test('tells paths, values and lines', async () => {
        const { send } = await withStory();
        const { from, to, changes, text, kind } = (await send('GET', `${POLICY}/diff?from=3&to=5`)).json();
        assert.equal(kind, 'ObjectDiff');
        assert.deepEqual(from, { seq: 3, exists: true, resourceVersion: '3' });
        assert.deepEqual(to, { seq: 5, exists: true, resourceVersion: '5' });
        assert.deepEqual(changes, [
          { path: 'spec.frontend.tcp.keepalive.time', before: '30s', after: '60s' },
          { path: 'metadata.labels["x.io/team"]', after: 'a' },
        ]);
        assert.deepEqual(text, ['spec.frontend.tcp.keepalive.time: 30s -> 60s', '+ metadata.labels["x.io/team"]: a']);
      });

      test('goes up to now, where the object may be gone', async () => {
        const { send } = await withStory();
        const { to, changes } = (await send('GET', `${POLICY}/diff?from=3`)).json();
        assert.deepEqual(to, { seq: 6, exists: false });
        assert.ok(changes.length > 3 && changes.every((change: object) => !('after' in change)));
        assert.equal((await send('GET', `${POLICY}/diff?from=1&to=2`)).statusCode, 404);
      });
    });

    test("kubectl's copy of the manifest is no line of a diff", async () => {
      const { send } = await createFixture({ log: open() });
      const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': '{}', a: 'b' };
      await send('POST', POLICIES, { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, annotations } });
      const { text } = (await send('GET', `${POLICY}/diff?from=2`)).json();
      assert.equal(text[0], '+ metadata.annotations.a: b');
      assert.doesNotMatch(text.join(), /last-applied/);
    });

    describe('what cannot be asked', () => {
      const HISTORY = `${POLICY}/history`;
      const cases: readonly (readonly [url: string, code: number, message: string | RegExp])[] = [
        [`${POLICY}?at=7`, 400, 'at: Invalid value: 7: must be from 1 to 6, the newest sequence number'],
        [`${POLICY}?at=0`, 400, /must be from 1 to 6/],
        [`${POLICY}?at=`, 400, 'at: Invalid value: "": must be a sequence number or a time in RFC 3339'],
        [`${POLICY}?at=-1`, 400, /must be a sequence number or a time/],
        [`${POLICY}?at=yesterday`, 400, /"yesterday": must be a sequence number or a time/],
        [`${POLICY}?at=2026-02-30T00:00:00Z`, 400, /must be a sequence number or a time/],
        [`${POLICY}?at=2026-11-22T11:00:00%2B99:00`, 400, /must be a sequence number or a time/],
        [`${POLICY}?at=2999-01-01T00:00:00Z`, 400, /must not be after now/],
        [`${POLICY}?at=1&at=2`, 400, 'at: Invalid value: "1,2": may be given once'],
        [`${POLICIES}?at=7`, 400, /must be from 1 to 6/],
        [`${POLICY}?at=6`, 404, /not found/],
        [`${HISTORY}?limit=0`, 400, 'limit: Invalid value: "0": must be a whole number from 1 to 500'],
        [`${HISTORY}?limit=501`, 400, /from 1 to 500/],
        [`${HISTORY}?before=8`, 400, /from 1 to 7/],
        [`${POLICIES}/never/history`, 404, /"never" not found/],
        [`${POLICY}/diff`, 400, /^from: Invalid value: "": must be/],
        [`${POLICY}/diff?from=1&to=x`, 400, /^to: Invalid value: "x"/],
      ];
      for (const [url, code, message] of cases) {
        test(url, async () => {
          const { send } = await withStory();
          const status = (await send('GET', url)).json();
          assert.equal(status.kind, 'Status');
          assert.equal(status.code, code);
          if (typeof message === 'string') assert.equal(status.message, message);
          else assert.match(status.message, message);
          if (code === 400) assert.ok(status.details.causes[0].field);
        });
      }
    });

    describe('rollback', () => {
      test('takes the spec back, in JSON, YAML or the query, and nothing else', async () => {
        for (const [body, type, query] of [
          ['{"to":3}', 'application/json', ''],
          ['to: 3\n', 'application/yaml', ''],
          ['{"to":"2026-11-22T11:00:03Z"}', 'application/json', ''],
          [undefined, undefined, '?to=3'],
        ] as const) {
          const { send, log } = await withStory();
          await send('POST', `${POLICY}/undelete`);
          const headers = type === undefined ? {} : { 'content-type': type };
          const rolled = await send('POST', `${POLICY}/rollback${query}`, body, headers);
          assert.equal(rolled.statusCode, 200, rolled.body);
          const [before, event] = log.read({ from: 7, limit: 2 });
          assert.equal(event?.type, 'SpecChanged');
          assert.deepEqual(event.restoredFrom, { seq: 3 });
          assert.equal(
            JSON.stringify(event.object.spec),
            JSON.stringify(log.read({ from: 3, limit: 1 })[0]?.object.spec),
          );
          const { managedFields, ...metadata } = event.object.metadata;
          const { managedFields: _, ...metadataBefore } = before?.object.metadata ?? {};
          assert.deepEqual(metadata, { ...metadataBefore, generation: 2 });
          assert.deepEqual(
            managedFields?.map(({ operation }) => operation),
            ['Update'],
          );
          assert.equal(rolled.json().metadata.resourceVersion, '8');
        }
      });

      test('to what is there already changes nothing; as a dry run neither', async () => {
        const { send, log } = await withStory();
        await send('POST', `${POLICY}/undelete`);
        assert.equal((await send('POST', `${POLICY}/rollback`, { to: 4 })).json().metadata.resourceVersion, '7');
        const dry = (await send('POST', `${POLICY}/rollback?dryRun=All`, { to: 3 })).json();
        assert.equal(dry.spec.frontend.tcp.keepalive.time, '30s');
        assert.equal(log.head(), 7);
      });

      const refused: readonly (readonly [body: unknown, code: number, message: RegExp])[] = [
        [{}, 400, /^to: Invalid value: null: must be a sequence number or a time/],
        [{ to: 99 }, 400, /^to: Invalid value: 99: must be from 1 to 7/],
        [{ to: 1.5 }, 400, /must be a sequence number or a time/],
        [{ to: true }, 400, /must be a sequence number or a time/],
        [{ to: 3, too: 4 }, 400, /^too: Invalid value: 4: is not a known field/],
        [{ to: 3, resourceVersion: 7 }, 400, /^resourceVersion: Invalid value: 7: must be a string/],
        [{ to: 3, resourceVersion: '5' }, 409, /has been modified/],
        [{ to: 2 }, 404, /not found at 2: there is no version to go back to/],
        [[3], 400, /must be an object/],
      ];
      for (const [body, code, message] of refused) {
        test(`refuses ${JSON.stringify(body)}`, async () => {
          const { send, log } = await withStory();
          await send('POST', `${POLICY}/undelete`);
          const answer = await send('POST', `${POLICY}/rollback`, body);
          assert.equal(answer.statusCode, code, answer.body);
          assert.match(answer.json().message, message);
          assert.equal(log.head(), 7);
        });
      }

      test('needs an object, and a version that the rules of today take', async () => {
        const { send, log } = await withStory();
        assert.equal((await send('POST', `${POLICY}/rollback`, { to: 3 })).statusCode, 404);
        await send('POST', POLICIES, TCP_POLICY);
        const [event] = log.read({ from: 7, limit: 1 });
        assert.ok(event);
        const spec = { ...event.object.spec, frontend: { tcp: { keepalive: { retries: 0 } } } };
        for (const object of [{ ...event.object, spec }, event.object]) {
          await log.append({ expected: [], events: [{ ...event, id: randomUUID(), type: 'SpecChanged', object }] });
        }
        const answer = await send('POST', `${POLICY}/rollback`, { to: 8 });
        assert.equal(answer.statusCode, 422);
        assert.match(answer.json().message, /retries: Invalid value: 0/);
        assert.equal((await send('GET', `${POLICY}/rollback`)).statusCode, 405);
      });
    });

    describe('undelete', () => {
      test('gives the object back as a new one', async () => {
        const { send, log } = await withStory();
        const back = await send('POST', `${POLICY}/undelete`);
        assert.equal(back.statusCode, 201);
        const [deleted, event] = log.read({ from: 6, limit: 2 });
        assert.deepEqual([event?.type, event?.restoredFrom], ['Created', { seq: 6 }]);
        assert.equal(JSON.stringify(event?.object.spec), JSON.stringify(deleted?.object.spec));
        const { uid, generation, labels } = back.json().metadata;
        assert.notEqual(uid, deleted?.subject.uid);
        assert.deepEqual([generation, labels], [1, { 'x.io/team': 'a' }]);
        assert.equal((await send('GET', `${POLICY}/history?limit=1`)).json().items[0].restoredFrom.seq, 6);
      });

      test('is refused for what exists, never existed, or has lost its namespace', async () => {
        const { send } = await withStory();
        assert.equal((await send('POST', `${POLICIES}/never/undelete`)).statusCode, 404);
        assert.equal((await send('POST', `${POLICY}/undelete`, { a: 1 })).statusCode, 400);
        await send('POST', `${POLICY}/undelete`);
        const again = await send('POST', `${POLICY}/undelete`);
        assert.deepEqual([again.statusCode, again.json().reason], [409, 'AlreadyExists']);
        await send('DELETE', '/api/v1/namespaces/httpbin');
        const lost = await send('POST', `${POLICY}/undelete`);
        assert.deepEqual([lost.statusCode, lost.json().message], [404, 'namespaces "httpbin" not found']);
        assert.equal((await send('POST', '/api/v1/namespaces/httpbin/undelete')).statusCode, 201);
        assert.equal((await send('POST', `${POLICY}/undelete`)).statusCode, 201);
      });
    });

    describe('effective configuration', () => {
      test('is what holds on each port, at any moment', async () => {
        const { send } = await createFixture({ log: open() });
        await send('POST', CLASSES, CLASS);
        await send('POST', GATEWAYS, GATEWAY);
        await send('POST', POLICIES, TCP_POLICY);
        const url = `${GATEWAYS}/agentgateway-proxy/effective`;
        const now = (await send('GET', url)).json();
        assert.deepEqual([now.kind, now.seq, now.gateway.name], ['EffectiveConfig', 5, 'agentgateway-proxy']);
        const policyKey = 'frontend/httpbin/httpbin-keepalive:frontend-tcp:httpbin/agentgateway-proxy';
        const tcp = { policyKey, idleSeconds: 30, intervalSeconds: 5, probes: 3 };
        assert.deepEqual(now.ports, [
          {
            port: 3000,
            protocol: 'http',
            tcp,
            http: { maxBufferSize: 2_097_152, http1IdleTimeoutMs: 600_000, http2KeepaliveTimeoutMs: 20_000 },
            backends: [],
          },
          { port: 3001, protocol: 'tcp', tcp, http: null, backends: [] },
        ]);
        assert.equal(now.resources.length, 5);
        const before = (await send('GET', `${url}?at=4`)).json();
        assert.deepEqual([before.seq, before.ports[1].tcp, before.resources.length], [4, null, 4]);
        assert.equal((await send('GET', `${url}?at=3`)).statusCode, 404);
        assert.equal((await send('GET', `${url}?at=x`)).statusCode, 400);
        assert.equal((await send('GET', `${POLICY}/effective`)).statusCode, 404);
      });

      test('explains the PROXY protocol where a policy sets it; TLS that passes through has no HTTP settings', async () => {
        const { send } = await createFixture({ log: open() });
        await send('POST', CLASSES, CLASS);
        const listener = { name: 'tls', port: 3443, protocol: 'TLS', tls: { mode: 'Passthrough' } };
        const gateway = { ...GATEWAY, spec: { ...GATEWAY.spec, listeners: [...GATEWAY.spec.listeners, listener] } };
        assert.equal((await send('POST', GATEWAYS, gateway)).statusCode, 201);
        const target = { ...TCP_POLICY.spec.targetRefs[0], port: 3443 };
        const spec = { targetRefs: [target], frontend: { proxyProtocol: { mode: 'Optional' } } };
        assert.equal((await send('POST', POLICIES, { ...TCP_POLICY, spec })).statusCode, 201);
        const url = `${GATEWAYS}/agentgateway-proxy/effective?explain=true`;
        const [tls] = (await send('GET', `${url}&port=3443`)).json().ports;
        const policyKey = 'frontend/httpbin/httpbin-keepalive:frontend-proxy:httpbin/agentgateway-proxy/port=3443';
        assert.deepEqual(
          [tls.protocol, tls.http, tls.proxyProtocol],
          ['tls', null, { policyKey, mode: 'optional', version: 'v2' }],
        );
        assert.deepEqual(
          tls.values.map(({ name, value, source }: Explained) => [name, value, source.field ?? source]),
          [
            ...['tcp.idleSeconds', 'tcp.intervalSeconds', 'tcp.probes'].map((name) => [name, null, 'default']),
            ['tls.handshakeTimeoutMs', 15_000, 'default'],
            ...['alpnProtocols', 'cipherSuites', 'keyExchangeGroups', 'minVersion', 'maxVersion'].map((name) => [
              `tls.${name}`,
              null,
              'default',
            ]),
            ['proxyProtocol.mode', 'optional', 'spec.frontend.proxyProtocol.mode'],
            ['proxyProtocol.version', 'v2', 'spec.frontend.proxyProtocol.version'],
          ],
        );
        const [http] = (await send('GET', `${url}&port=3000`)).json().ports;
        assert.equal('proxyProtocol' in http, false);
      });

      test('explains each value by policy, field, event and actor, and names those that lost', async () => {
        const { send } = await createFixture({ log: open() });
        await send('POST', CLASSES, CLASS);
        await send('POST', GATEWAYS, GATEWAY);
        await send('POST', POLICIES, TCP_POLICY);
        await send('PATCH', POLICY, { spec: { frontend: { tcp: { keepalive: { retries: 7 } } } } }, merge);
        await send('PATCH', POLICY, { metadata: { labels: { a: 'b' } } }, merge);
        const other = { ...TCP_POLICY, metadata: { name: 'other', namespace: 'httpbin' } };
        await send('POST', POLICIES, other);
        const target = { ...TCP_POLICY.spec.targetRefs[0], port: 3001 };
        const spec = { targetRefs: [target], frontend: { tcp: { keepalive: { time: '9s' } } } };
        await send('POST', POLICIES, { ...TCP_POLICY, metadata: { name: 'port', namespace: 'httpbin' }, spec });
        const url = `${GATEWAYS}/agentgateway-proxy/effective?explain=true`;
        const explain = async (query: string) => (await send('GET', `${url}${query}`)).json();

        const [http] = (await explain('&port=3000')).ports;
        const policy = { namespace: 'httpbin', name: 'httpbin-keepalive' };
        const gateway = { namespace: 'httpbin', name: 'agentgateway-proxy' };
        const events = http.values
          .filter(({ source }: { source: unknown }) => source !== 'default')
          .map(({ name, value, source }: Explained) => [
            name,
            value,
            source.field,
            source.policy.name,
            source.event.seq,
          ]);
        assert.deepEqual(events, [
          ['tcp.idleSeconds', 30, 'spec.frontend.tcp.keepalive.time', 'httpbin-keepalive', 5],
          ['tcp.intervalSeconds', 5, 'spec.frontend.tcp.keepalive.interval', 'httpbin-keepalive', 5],
          ['tcp.probes', 7, 'spec.frontend.tcp.keepalive.retries', 'httpbin-keepalive', 6],
        ]);
        assert.equal(http.values[2].source.event.actor.user, 'anonymous');
        const interval = http.values.find(({ name }: Explained) => name === 'http.http2KeepaliveIntervalMs');
        assert.deepEqual(interval, { name: 'http.http2KeepaliveIntervalMs', value: null, source: 'default' });
        const timeout = http.values.find(({ name }: Explained) => name === 'http.http2KeepaliveTimeoutMs');
        assert.deepEqual(timeout, { name: 'http.http2KeepaliveTimeoutMs', value: 20_000, source: 'default' });
        const age = '2026-11-22T10:20:30Z';
        assert.deepEqual(http.overridden, [
          {
            section: 'frontend.tcp',
            policy: { namespace: 'httpbin', name: 'other' },
            target: { gateway },
            by: policy,
            reason: `both were created at ${age}, and the other one comes first by name`,
          },
        ]);

        const [, tcp] = (await explain('')).ports;
        assert.deepEqual(
          tcp.values.map(({ name, value, source }: Explained) => [name, value, source.field ?? source]),
          [
            ['tcp.idleSeconds', 9, 'spec.frontend.tcp.keepalive.time'],
            ['tcp.intervalSeconds', 180, 'default'],
            ['tcp.probes', 9, 'default'],
          ],
        );
        assert.deepEqual(
          tcp.overridden.map(({ policy: { name }, reason }: { policy: { name: string }; reason: string }) => [
            name,
            reason,
          ]),
          ['httpbin-keepalive', 'other'].map((name) => [
            name,
            'the other one targets the port, which is more specific than its gateway',
          ]),
        );
        const [then] = (await explain('&port=3000&at=5')).ports;
        assert.deepEqual([then.values[2].value, then.values[2].source.event.seq, then.overridden], [3, 5, []]);
        for (const query of ['&port=1', '&port=x']) {
          assert.equal(
            (await send('GET', `${url}${query}`)).json().message,
            `port: Invalid value: "${query.slice(6)}": must be a port of Gateway httpbin/agentgateway-proxy`,
          );
        }
        assert.equal((await send('GET', `${GATEWAYS}/agentgateway-proxy/effective?explain=1`)).statusCode, 400);
      });

      test('tells the settings on each way to a backend, with their sources and those that lost', async () => {
        const { send } = await createFixture({ log: open() });
        const backends = '/apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaybackends';
        const metadata = (name: string) => ({ name, namespace: 'httpbin' });
        const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'up' }];
        const route = (apiVersion: string, kind: string, rules: object) => ({
          apiVersion: `gateway.networking.k8s.io/${apiVersion}`,
          kind,
          metadata: metadata('web'),
          spec: { parentRefs: [{ name: 'agentgateway-proxy' }], rules: [rules] },
        });
        await send('POST', CLASSES, CLASS);
        await send('POST', GATEWAYS, GATEWAY);
        await send(
          'POST',
          GATEWAYS.replace('gateways', 'httproutes'),
          route('v1', 'HTTPRoute', { name: 'one', backendRefs }),
        );
        await send(
          'POST',
          GATEWAYS.replace('/v1/', '/v1alpha2/').replace('gateways', 'tcproutes'),
          route('v1alpha2', 'TCPRoute', { backendRefs }),
        );
        const created = await send('POST', backends, {
          apiVersion: 'agentgateway.dev/v1alpha1',
          kind: 'AgentgatewayBackend',
          metadata: metadata('up'),
          spec: { static: { host: 'up', port: 1 }, policies: { http: { requestTimeout: '3s' } } },
        });
        assert.equal(created.statusCode, 201);
        const both = { tcp: { keepalive: { time: '30s' } }, http: { version: 'HTTP2' } };
        const policy = (name: string, targetRefs: object[], backend: object) =>
          send('POST', POLICIES, { ...TCP_POLICY, metadata: metadata(name), spec: { targetRefs, backend } });
        const [onGateway] = TCP_POLICY.spec.targetRefs;
        await policy('gateway', [{ ...onGateway }], both);
        const onRule = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'web', sectionName: 'one' };
        await policy('rule', [onRule], { tcp: { connectTimeout: '2s' } });
        const url = `${GATEWAYS}/agentgateway-proxy/effective`;
        const [http, tcp] = (await send('GET', `${url}?explain=true`)).json().ports;
        const [onHttp] = http.backends;
        assert.deepEqual(
          [onHttp.listener, onHttp.route.name, onHttp.route.ruleName, onHttp.backend.name],
          ['http', 'web', 'one', 'up'],
        );
        type Value = {
          name: string;
          value: unknown;
          source: { field?: string; policy?: object; backend?: object; event?: { seq: number } };
        };
        const shown = (values: readonly Value[]) =>
          values.map(({ name, value, source }) => [name, value, source.field ?? source, source.event?.seq]);
        assert.deepEqual(shown(onHttp.values), [
          ['tcp.connectTimeoutMs', 2000, 'spec.backend.tcp.connectTimeout', 9],
          ['tcp.idleSeconds', 180, 'default', undefined],
          ['tcp.intervalSeconds', 180, 'default', undefined],
          ['tcp.probes', 9, 'default', undefined],
          ['http.version', 'http1', 'default', undefined],
          ['http.requestTimeoutMs', 3000, 'spec.policies.http.requestTimeout', 7],
        ]);
        assert.deepEqual(onHttp.values[5].source.backend, metadata('up'));
        assert.deepEqual(
          onHttp.overridden.map((lost: { section: string; policy: object; by: object; reason: string }) => [
            lost.section,
            lost.policy,
            lost.by,
            lost.reason,
          ]),
          [
            [
              'backend.tcp',
              metadata('gateway'),
              metadata('rule'),
              'the other one targets the rule, which is more specific than the gateway',
            ],
            [
              'backend.http',
              metadata('gateway'),
              { kind: 'AgentgatewayBackend', ...metadata('up') },
              'the backend itself sets it, which is more specific than a policy',
            ],
          ],
        );
        assert.deepEqual([tcp.backends.length, tcp.backends[0].http, tcp.backends[0].overridden], [1, null, []]);
        assert.deepEqual(shown(tcp.backends[0].values).slice(0, 2), [
          ['tcp.connectTimeoutMs', 10_000, 'default', undefined],
          ['tcp.idleSeconds', 30, 'spec.backend.tcp.keepalive.time', 8],
        ]);
        const [then] = (await send('GET', `${url}?at=8`)).json().ports;
        assert.deepEqual([then.backends[0].tcp.idleSeconds, then.backends[0].tcp.connectTimeoutMs], [30, 10_000]);
      });
    });
  });
}
