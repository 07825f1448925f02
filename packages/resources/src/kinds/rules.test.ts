import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json } from '../object.ts';
import { faultsOf } from '../testing/faults.ts';
import { AGENTGATEWAY_BACKEND } from './agentgateway-backend.ts';
import { AGENTGATEWAY_POLICY } from './agentgateway-policy.ts';
import type { ResourceKind } from './resource-kind.ts';
import { TCP_ROUTE } from './tcp-route.ts';
import { TLS_ROUTE } from './tls-route.ts';

const group = 'gateway.networking.k8s.io';
const gateway = { group, kind: 'Gateway', name: 'g' };
const selector = { group, kind: 'Gateway', matchLabels: { a: 'b' } };
const route = { group, kind: 'TCPRoute', name: 'r' };
const backendRefs = [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'b' }];
const frontend = { tcp: { keepalive: { retries: 3 } } };

const tcp = (value: Json): Json => ({ targetRefs: [gateway], frontend: { tcp: { keepalive: value } } });
const toBackend = (value: Json): Json => ({ targetRefs: [gateway], backend: { tcp: value } });
const inline = (value: Json): Json => ({ static: { host: 'a', port: 80 }, policies: { tcp: value } });
const select = (more: { readonly [name: string]: Json }, section: { readonly [name: string]: Json }): Json => ({
  targetSelectors: [{ ...selector, ...more }],
  ...section,
});

type Case = readonly [name: string, kind: ResourceKind, spec: Json, fault: RegExp];

/** Rules that stand in several places, at each place where no other table breaks them. */
const CASES: readonly Case[] = [
  ...(
    [
      ['frontend.tcp.keepalive', AGENTGATEWAY_POLICY, tcp, ['interval']],
      ['backend.tcp.keepalive', AGENTGATEWAY_POLICY, (value) => toBackend({ keepalive: value }), ['time', 'interval']],
      ['policies.tcp.keepalive', AGENTGATEWAY_BACKEND, (value) => inline({ keepalive: value }), ['time', 'interval']],
    ] as readonly (readonly [string, ResourceKind, (value: Json) => Json, readonly string[]])[]
  ).flatMap(([path, kind, spec, fields]) =>
    fields.flatMap((field): readonly Case[] => [
      [`${path}.${field} below a second`, kind, spec({ [field]: '999ms' }), at(path, field, 'at least 1 second')],
      [`${path}.${field} above Linux' most`, kind, spec({ [field]: '32768s' }), at(path, field, 'at most 32767s')],
      [`${path}.${field} with a fraction`, kind, spec({ [field]: '1500ms' }), at(path, field, 'a whole number')],
    ]),
  ),
  [
    'policies.tcp.connectTimeout',
    AGENTGATEWAY_BACKEND,
    inline({ connectTimeout: '99ms' }),
    at('policies.tcp', 'connectTimeout', 'at least 100ms'),
  ],
  [
    'a frame size of nothing',
    AGENTGATEWAY_POLICY,
    { targetRefs: [gateway], frontend: { http: { http2FrameSize: 0 } } },
    /http2FrameSize: .*value must be at least 1 byte and fit within uint32/,
  ],
  [
    'a selector of a section and a port',
    AGENTGATEWAY_POLICY,
    select({ sectionName: 'a', port: 80 }, { frontend }),
    /^spec\.targetSelectors\[0\]: .*at most one of the fields in \[sectionName port\] may be set/m,
  ],
  [
    'a port selector with a backend section',
    AGENTGATEWAY_POLICY,
    select({ port: 80 }, { backend: { tcp: { connectTimeout: '1s' } } }),
    /^spec: .*port may only be set on frontend-only policies/m,
  ],
  [
    'traffic of a route that has none',
    AGENTGATEWAY_POLICY,
    { targetRefs: [route], traffic: { timeouts: {} } },
    /^spec: .*the 'traffic' field can only target/m,
  ],
  [
    'traffic of selected routes that have none',
    AGENTGATEWAY_POLICY,
    select({ kind: 'TCPRoute' }, { traffic: { timeouts: {} } }),
    /^spec: .*the 'traffic' field can only target/m,
  ],
  [
    'a selected Service with a section that is no port',
    AGENTGATEWAY_POLICY,
    select({ group: '', kind: 'Service', sectionName: '65536' }, { backend: { tcp: {} } }),
    /^spec: .*Service sectionName must be a numeric port/m,
  ],
  [
    'inline policies of an AI backend',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a', port: 80 }, policies: { ai: {} } },
    /^spec: .*AI policies require AI backend/m,
  ],
  [
    'inline policies of an MCP backend',
    AGENTGATEWAY_BACKEND,
    { static: { host: 'a', port: 80 }, policies: { mcp: {} } },
    /^spec: .*MCP policies require MCP backend/m,
  ],
  ...[TCP_ROUTE, TLS_ROUTE].flatMap((kind): readonly Case[] => {
    const hostnames = kind === TLS_ROUTE ? { hostnames: ['a.example'] } : {};
    const parents = (...refs: readonly Json[]): Json => ({ ...hostnames, parentRefs: refs, rules: [{ backendRefs }] });
    const toRefs = (ref: Json): Json => ({ ...hostnames, rules: [{ backendRefs: [ref] }] });
    return [
      [`a ${kind.kind} of a Service`, kind, parents({ group: '', kind: 'Service', name: 's' }), /parentRefs\[0\]: Inv/],
      [
        `a ${kind.kind} of one parent twice`,
        kind,
        parents({ name: 'a' }, { name: 'a' }),
        /^spec\.parentRefs: .*unique/m,
      ],
      [
        `a ${kind.kind} of a parent and its section`,
        kind,
        parents({ name: 'a' }, { name: 'a', sectionName: 'b' }),
        /^spec\.parentRefs: .*sectionName or port must be/m,
      ],
      [`a ${kind.kind} to a Service`, kind, toRefs({ name: 's', port: 80 }), /backendRefs\[0\]: Invalid/],
    ];
  }),
];

describe('a rule is broken by', () => {
  for (const [name, kind, spec, fault] of CASES) {
    test(name, () => assert.match(faultsOf(kind, spec).join('\n'), fault));
  }
});

function at(path: string, field: string, rule: string): RegExp {
  return new RegExp(`^spec\\.${path}\\.${field}: Invalid value: "string": ${field} must be ${rule}`, 'm');
}
