import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayResource, resourceName } from '@pulseplane/projection/gateway';
import { applyBatch } from '../tables/apply-batch.ts';
import { EMPTY_TABLES } from '../tables/tables.ts';
import { httpPolicy, portResources, tcpPolicy } from '../testing/world.ts';
import { configDump } from './config-dump.ts';
import { goDuration } from './go-duration.ts';

type Dump = Record<string, unknown> & {
  binds: object[];
  policies: { policy: { frontend: object } }[];
  backends: object[];
};

test("the top level has agentgateway's sections in its order", () => {
  assert.deepEqual(Object.keys(dump()), [
    ...['workloads', 'services', 'binds', 'routes', 'policies', 'backends', 'models', 'version', 'config'],
  ]);
});

test('a TCP policy prints exactly as the tutorial shows', () => {
  const policy = dump(tcpPolicy({ timeMs: 30_000, intervalMs: 5_000, retries: 3 })).policies[0];
  assert.equal(
    JSON.stringify(policy),
    JSON.stringify({
      key: 'frontend/httpbin/httpbin-keepalive:frontend-tcp:httpbin/agentgateway-proxy',
      name: { kind: 'AgentgatewayPolicy', name: 'httpbin-keepalive', namespace: 'httpbin' },
      target: { gateway: { gatewayName: 'agentgateway-proxy', gatewayNamespace: 'httpbin', listenerName: null } },
      policy: { frontend: { tCP: { keepalives: { enabled: true, time: '30s', interval: '5s', retries: 3 } } } },
    }),
  );
});

test('an HTTP policy prints its defaults, and the newer fields only when they are set', () => {
  const settings = { http2KeepaliveIntervalMs: 5_000, http2KeepaliveTimeoutMs: 30_000 };
  const old = dump(httpPolicy(settings)).policies[0]?.policy.frontend;
  assert.equal(
    JSON.stringify(old),
    '{"hTTP":{"maxBufferSize":2097152,"http1MaxHeaders":null,"http1IdleTimeout":"10m0s","http2WindowSize":null,' +
      '"http2ConnectionWindowSize":null,"http2FrameSize":null,"http2KeepaliveInterval":"5s","http2KeepaliveTimeout":"30s"}}',
  );
  const fresh = dump(
    httpPolicy({ ...settings, http1HeaderCase: 'preserve', http2MaxHeaderSize: 1, maxConnectionDurationMs: 3_600_000 }),
  ).policies[0]?.policy.frontend;
  assert.match(
    JSON.stringify(fresh),
    /"http1HeaderCase":"preserve".*"http2MaxHeaderSize":1.*"maxConnectionDuration":"1h0m0s"/,
  );
});

test('binds carry their listeners and these their routes', () => {
  const { binds, backends } = dump(...portResources('http', 3000, 80), ...portResources('tcp', 3001, 81));
  assert.deepEqual(binds[1], {
    key: '3001/httpbin/agentgateway-proxy',
    address: '127.0.0.1:3001',
    protocol: 'tcp',
    tunnelProtocol: 'direct',
    mode: 'standard',
    listeners: {
      'httpbin/agentgateway-proxy.tcp': {
        key: 'httpbin/agentgateway-proxy.tcp',
        gatewayName: 'agentgateway-proxy',
        gatewayNamespace: 'httpbin',
        listenerName: 'tcp',
        hostname: '',
        protocol: 'TCP',
        tcpRoutes: {
          'httpbin/tcp-route': {
            key: 'httpbin/tcp-route',
            name: 'tcp',
            namespace: 'httpbin',
            ruleName: null,
            kind: 'TCPRoute',
            backends: [{ weight: 1, backend: 'httpbin/tcp-upstream' }],
          },
        },
      },
    },
  });
  assert.deepEqual(backends[0], {
    backend: { host: { name: { name: 'http-upstream', namespace: 'httpbin' }, target: '127.0.0.1:80' } },
  });
});

test('durations print as Go prints them', () => {
  const known = { 0: '0s', 1: '1ms', 250: '250ms', 1500: '1.5s', 30000: '30s', 60000: '1m0s', 245000: '4m5s' };
  const long = { 600000: '10m0s', 3600000: '1h0m0s', 18367001: '5h6m7.001s' };
  for (const [ms, text] of Object.entries({ ...known, ...long })) assert.equal(goDuration(Number(ms)), text);
});

function dump(...resources: readonly GatewayResource[]): Dump {
  const updated = resources.map((resource) => ({ name: resourceName(resource), resource }));
  const { tables, rejects } = applyBatch(EMPTY_TABLES, { updated, removed: [] });
  assert.deepEqual(rejects, []);
  return configDump(tables, { listenAddress: '127.0.0.1', binds: [], version: 'test', config: {} }) as Dump;
}
