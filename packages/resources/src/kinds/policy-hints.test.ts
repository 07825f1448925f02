import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../object.ts';
import { validateSpec } from '../testing/faults.ts';
import { AGENTGATEWAY_POLICY } from './agentgateway-policy.ts';

const HTTP = 'spec.frontend.http';
const CASES: readonly (readonly [http: Json, warnings: readonly string[]])[] = [
  [{ http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '30s' }, []],
  [
    { http2KeepaliveTimeout: '30s' },
    [`${HTTP}.http2KeepaliveTimeout: has no effect without http2KeepaliveInterval, because no PING is sent`],
  ],
  [{ http1IdleTimeout: '59s', maxConnectionDuration: '1m' }, []],
  [
    { http1IdleTimeout: '60s', maxConnectionDuration: '1m' },
    [`${HTTP}.http1IdleTimeout: 60s is never reached, because maxConnectionDuration ends connections after 1m`],
  ],
  [{ http2WindowSize: '1Mi', http2ConnectionWindowSize: '1Mi' }, []],
  [
    { http2WindowSize: '1Mi', http2ConnectionWindowSize: 65_535 },
    [`${HTTP}.http2WindowSize: 1Mi is never used up, because http2ConnectionWindowSize is 65535`],
  ],
  [{ http2KeepaliveTimeout: '30s', http1MaxHeaders: 0 }, []],
];

for (const [http, expected] of CASES) {
  test(`hints for ${JSON.stringify(http)}`, () => {
    const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'g' }];
    assert.deepEqual(validateSpec(AGENTGATEWAY_POLICY, { targetRefs, frontend: { http } }).warnings, expected);
  });
}
