import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  effectiveFrontend,
  type FrontendPolicy,
  type ListenerProtocol,
  type Policy,
} from '@pulseplane/projection/gateway';
import { type JsonObject, type KubernetesObject, parseDuration } from '@pulseplane/resources';
import { ENVIRONMENTS } from './environment.ts';
import { findingText, lintAnnotations, lintBackend, lintGateway } from './lint.ts';
import type { LintedPort } from './port-rules.ts';
import { isRuleId, RULE_IDS, RULES } from './rule.ts';

type Annotations = { readonly [name: string]: string };
type Settings = {
  readonly tcp?: { readonly [name: string]: string | number };
  readonly http?: Record<string, string>;
  readonly tls?: JsonObject;
};

/** Where the annotations stand, what the one policy sets, on ports of which protocols. */
type Setup = {
  readonly environment?: string;
  readonly settings?: Settings;
  readonly protocols?: readonly ListenerProtocol[];
};

const ENVIRONMENT = 'pulseplane.dev/environment';
const ACKNOWLEDGE = 'pulseplane.dev/lint-acknowledge';
const TIME = 'spec.frontend.tcp.keepalive.time';
const TCP = 'spec.frontend.tcp.keepalive';
const HTTP = 'spec.frontend.http';

/** A setup, a rule, and what that rule says: nothing, or each field with its message. */
const CASES: readonly (readonly [rule: string, setup: Setup, expected: readonly string[]])[] = [
  // order: the default is 10 minutes, and Google's load balancer keeps connections just as long.
  ['order', {}, []],
  ['order', { environment: 'aws-alb' }, []],
  [
    'order',
    { environment: 'gcp-alb' },
    [
      'spec.listeners[0]: idle connections are closed after 600s (default), but gcp-alb reuses them for 600s: http1IdleTimeout must be longer',
    ],
  ],
  ['order', { environment: 'gcp-alb', protocols: ['tcp'] }, []],
  ['order', { environment: 'gcp-alb', settings: { http: { http1IdleTimeout: '601s' } } }, []],
  ['order', { environment: 'aws-alb', settings: { http: { http1IdleTimeout: '61s' } } }, []],
  [
    'order',
    { environment: 'aws-alb', settings: { http: { http1IdleTimeout: '1m' } } },
    [
      `${HTTP}.http1IdleTimeout: idle connections are closed after 60s, but aws-alb reuses them for 60s: http1IdleTimeout must be longer`,
    ],
  ],
  [
    'order',
    { environment: 'aws-alb=10m', settings: { http: { http2KeepaliveInterval: '30s' } } },
    [
      `${HTTP}.http1IdleTimeout: idle connections are closed after 600s (default), but aws-alb reuses them for 600s: http1IdleTimeout must be longer`,
    ],
  ],
  // nat: 80 % of 350 s are 280 s.
  ['nat', { settings: { tcp: { time: '2h' } } }, []],
  ['nat', { environment: 'aws-nlb', settings: { tcp: { time: '279s' } } }, []],
  [
    'nat',
    { environment: 'aws-nlb', settings: { tcp: { time: '280s' } }, protocols: ['tcp'] },
    [`${TIME}: the first probe comes after 280s, not within 280s: aws-nlb drops silent connections after 350s`],
  ],
  ['nat', { environment: 'aws-nlb=351s', settings: { tcp: { time: '280s' } } }, []],
  ['nat', { environment: 'azure-lb', settings: { tcp: { time: '191s' } } }, []],
  [
    'nat',
    { environment: 'aws-nlb=60s', settings: { tcp: { retries: 3 } } },
    [`${TIME}: the first probe comes after 180s (default), not within 48s: aws-nlb drops silent connections after 60s`],
  ],
  ['nat', { environment: 'aws-nlb', settings: { http: { http2KeepaliveInterval: '279s' } } }, []],
  [
    'nat',
    { environment: 'aws-nlb', settings: { http: { http2KeepaliveInterval: '280s' } } },
    [
      `${HTTP}.http2KeepaliveInterval: the first PING comes after 280s, not within 280s: aws-nlb drops silent connections after 350s`,
    ],
  ],
  // Probes in time serve every connection, however late the PING comes.
  ['nat', { environment: 'aws-nlb', settings: { tcp: { time: '60s' }, http: { http2KeepaliveInterval: '10m' } } }, []],
  // Without any of both: only where connections live that long.
  [
    'nat',
    { environment: 'aws-nlb', protocols: ['tcp'] },
    ['spec.listeners[0]: nothing keeps silent connections of port 3000 open: aws-nlb drops them after 350s'],
  ],
  [
    'nat',
    { environment: 'gcp-vpc' },
    ['spec.listeners[0]: nothing keeps silent connections of port 3000 open: gcp-vpc drops them after 600s'],
  ],
  ['nat', { environment: 'gcp-cloud-nat' }, []],
  ['nat', { environment: 'gcp-vpc', settings: { http: { maxConnectionDuration: '599s' } } }, []],
  ['nat', { environment: 'gcp-vpc', settings: { http: { http1IdleTimeout: '599s' } } }, []],
  // Through a TCP proxy only data counts.
  [
    'nat',
    { environment: 'nginx-stream', settings: { tcp: { time: '30s' } }, protocols: ['tcp'] },
    ['spec.listeners[0]: nothing keeps silent connections of port 3000 open: nginx-stream drops them after 600s'],
  ],
  ['nat', { environment: 'nginx-stream', settings: { tcp: {}, http: { http2KeepaliveInterval: '30s' } } }, []],
  ['nat', { environment: 'aws-alb', settings: { tcp: { time: '2h' } } }, []],
  // layer
  ['layer', { environment: 'aws-nlb', settings: { tcp: {}, http: { http2KeepaliveInterval: '30s' } } }, []],
  [
    'layer',
    { environment: 'aws-alb', settings: { tcp: {}, http: { http2KeepaliveInterval: '30s' } } },
    [
      `${TCP}: probes keep no connection of aws-alb open, which closes after 60s without data; they do find dead peers`,
      `${HTTP}.http2KeepaliveInterval: PINGs keep no connection of aws-alb open, which closes after 60s without data; they do find dead peers`,
    ],
  ],
  ['layer', { environment: 'aws-alb', settings: { tcp: {} }, protocols: ['tcp'] }, []],
  ['layer', { environment: 'gcp-alb', settings: { http: { http2KeepaliveInterval: '30s' } } }, []],
  [
    'layer',
    { environment: 'nginx-stream', settings: { tcp: {} }, protocols: ['tcp'] },
    [
      `${TCP}: probes keep no connection of nginx-stream open, which closes after 600s without data; they do find dead peers`,
    ],
  ],
  // grpc-floor: a PING may come 15 % early, so that 353 s are the first whole seconds that are never below 300 s.
  ['grpc-floor', { settings: { http: { http2KeepaliveInterval: '5s' } } }, []],
  ['grpc-floor', { environment: 'grpc-core', settings: { http: { http2KeepaliveInterval: '353s' } } }, []],
  [
    'grpc-floor',
    { environment: 'grpc-core', settings: { http: { http2KeepaliveInterval: '352s' } } },
    [`${HTTP}.http2KeepaliveInterval: 352s lets a PING come after 299.2s, but grpc-core allows one each 300s`],
  ],
  ['grpc-floor', { environment: 'grpc-core=10s', settings: { http: { http2KeepaliveInterval: '12s' } } }, []],
  // strikes: as go-control-plane#449 saw it, about every two minutes with PINGs each 30 s.
  ['strikes', { environment: 'grpc-core', settings: { http: { http2KeepaliveInterval: '353s' } } }, []],
  [
    'strikes',
    { environment: 'grpc-core', settings: { http: { http2KeepaliveInterval: '30s' } } },
    [`${HTTP}.http2KeepaliveInterval: grpc-core closes a quiet connection after about 120s: 30s x (2 strikes + 2)`],
  ],
  ['strikes', { environment: 'etcd', settings: { http: { http2KeepaliveInterval: '1s' } } }, []],
  // no-effect
  ['no-effect', { settings: { http: { http2KeepaliveInterval: '30s' } } }, []],
  ['no-effect', { settings: { http: { http2KeepaliveInterval: '30s' } }, protocols: ['tcp', 'http'] }, []],
  ['no-effect', { settings: { tcp: {} }, protocols: ['tcp'] }, []],
  [
    'no-effect',
    { settings: { http: { http2KeepaliveInterval: '30s' } }, protocols: ['tcp', 'tcp'] },
    [`${HTTP}: does nothing on Gateway edge: port 3000, 3001 speaks no HTTP`],
  ],
  ['no-effect', { settings: { http: { http2KeepaliveInterval: '30s' } }, protocols: ['tls', 'https'] }, []],
  ['no-effect', { settings: { tls: { minProtocolVersion: '1.3' } }, protocols: ['http', 'https'] }, []],
  [
    'no-effect',
    { settings: { tls: { minProtocolVersion: '1.3' } }, protocols: ['http', 'tcp'] },
    ['spec.frontend.tls: does nothing on Gateway edge: port 3000, 3001 speaks no TLS'],
  ],
  // What holds for HTTP holds within TLS too.
  [
    'order',
    { environment: 'gcp-alb', protocols: ['https'] },
    [
      'spec.listeners[0]: idle connections are closed after 600s (default), but gcp-alb reuses them for 600s: http1IdleTimeout must be longer',
    ],
  ],
  // detect
  ['detect', {}, []],
  [
    'detect',
    { settings: { tcp: { time: '30s', interval: '5s', retries: 3 }, http: { http2KeepaliveInterval: '5s' } } },
    [
      `${TCP}: a dead peer is noticed after 45s (30s + 5s x 3); while data is unacknowledged the kernel's retransmissions decide, about 15 minutes`,
      `${HTTP}.http2KeepaliveInterval: a dead HTTP/2 peer is noticed after 25s (5s + 20s)`,
    ],
  ],
  // ping-timeout
  ['ping-timeout', { settings: { http: { http2KeepaliveInterval: '21s' } } }, []],
  ['ping-timeout', { settings: { http: { http2KeepaliveTimeout: '21s' } } }, []],
  [
    'ping-timeout',
    { settings: { http: { http2KeepaliveInterval: '20s' } } },
    [`${HTTP}.http2KeepaliveTimeout: the timeout of 20s (default) is not below the interval of 20s`],
  ],
  [
    'ping-timeout',
    { settings: { http: { http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '30s' } } },
    [`${HTTP}.http2KeepaliveTimeout: the timeout of 30s is not below the interval of 5s`],
  ],
  // age
  ['age', { settings: { http: { http1IdleTimeout: '1h' } } }, []],
  [
    'age',
    { settings: { http: { maxConnectionDuration: '1h' } } },
    [`${HTTP}.maxConnectionDuration: connections that were opened together end together, 3600s later`],
  ],
];

describe('rules', () => {
  for (const [rule, setup, expected] of CASES) {
    test(`${rule}: ${JSON.stringify(setup)}: ${expected.length === 0 ? 'nothing' : 'fires'}`, () => {
      const findings = lintSetup(setup).filter((finding) => finding.rule === rule);
      assert.deepEqual(
        findings.map(({ field, message }) => `${field}: ${message}`),
        expected,
      );
      for (const finding of findings) {
        assert.equal(finding.acknowledged, false);
        assert.match(finding.source, /^https:\/\//);
        assert.ok(findingText(finding).length <= 512, findingText(finding));
      }
    });
  }

  test('each of them has a case in which it fires and one in which it does not', () => {
    const seen = (fires: boolean) =>
      new Set(CASES.filter(([, , expected]) => expected.length > 0 === fires).map(([rule]) => rule));
    const expected = RULE_IDS.filter((rule) => rule !== 'annotation').sort();
    assert.deepEqual([...seen(true)].sort(), expected);
    assert.deepEqual([...seen(false)].sort(), expected);
  });

  test('ports alike say it once', () => {
    const findings = lintSetup({
      environment: 'aws-nlb',
      settings: { tcp: { time: '300s' } },
      protocols: ['tcp', 'tcp'],
    });
    assert.deepEqual(findings.map(({ rule }) => rule).sort(), ['detect', 'nat']);
  });
});

describe('where annotations stand', () => {
  const late: Settings = { tcp: { time: '300s' } };
  const nat = (annotations: Parameters<typeof lintSetup>[1]) =>
    lintSetup({ settings: late, protocols: ['tcp'] }, annotations).filter(({ rule }) => rule === 'nat');

  test('the namespace, the gateway and the policy may each name the environment', () => {
    for (const place of ['namespace', 'gateway', 'policy']) {
      assert.equal(nat({ [place]: { [ENVIRONMENT]: 'gcp-vpc, aws-nlb' } }).length, 1, place);
    }
    assert.deepEqual(nat({}), []);
  });

  test('the nearest one decides on the time', () => {
    const far = { [ENVIRONMENT]: 'aws-nlb' };
    assert.deepEqual(nat({ namespace: far, gateway: { [ENVIRONMENT]: 'aws-nlb=6000s' } }), []);
    assert.deepEqual(nat({ gateway: far, policy: { [ENVIRONMENT]: 'aws-nlb = 6000s' } }), []);
    assert.equal(nat({ namespace: { [ENVIRONMENT]: 'aws-nlb=6000s' }, policy: far }).length, 1);
  });

  test('each may acknowledge a rule; the finding stays, and says so', () => {
    const gateway = { [ENVIRONMENT]: 'aws-nlb' };
    for (const place of ['namespace', 'policy']) {
      const [finding] = nat({ gateway, [place]: { [ACKNOWLEDGE]: 'layer, nat' } });
      assert.equal(finding?.acknowledged, true, place);
    }
    assert.equal(nat({ gateway: { ...gateway, [ACKNOWLEDGE]: 'nat' } })[0]?.acknowledged, true);
    assert.equal(nat({ gateway: { ...gateway, [ACKNOWLEDGE]: 'layer' } })[0]?.acknowledged, false);
  });
});

test('annotations that name nothing known', () => {
  const names = ENVIRONMENTS.map(({ name }) => name);
  const known = `${names.slice(0, 20).join(', ')} and ${names.length - 20} more`;
  const cases: readonly (readonly [Annotations, readonly string[]])[] = [
    [{}, []],
    [{ [ENVIRONMENT]: 'aws-nlb, grpc-core=60s,', [ACKNOWLEDGE]: RULE_IDS.join() }, []],
    [{ [ENVIRONMENT]: 'aws-elb' }, [`metadata.annotations[${ENVIRONMENT}]: no environment "aws-elb"; known: ${known}`]],
    [
      { [ACKNOWLEDGE]: 'nat,toString' },
      [`metadata.annotations[${ACKNOWLEDGE}]: no rule "toString"; known: ${RULE_IDS.join(', ')}`],
    ],
    [
      { [ENVIRONMENT]: 'aws-nlb=ten' },
      [`metadata.annotations[${ENVIRONMENT}]: "ten" is not a time for aws-nlb; write it as 350s or 10m`],
    ],
    [{ [ENVIRONMENT]: 'aws-nlb=60s' }, []],
    [
      { [ENVIRONMENT]: 'aws-nlb=59s' },
      [`metadata.annotations[${ENVIRONMENT}]: 59s is not a time that aws-nlb can have: 60s to 6000s`],
    ],
    [
      { [ENVIRONMENT]: 'aws-nlb-tls=400s' },
      [`metadata.annotations[${ENVIRONMENT}]: the time of aws-nlb-tls is fixed at 350s; leave out "400s"`],
    ],
  ];
  for (const [annotations, expected] of cases) {
    const findings = lintAnnotations(objectOf('Namespace', 'shop', annotations, undefined));
    assert.deepEqual(
      findings.map(({ field, message }) => `${field}: ${message}`),
      expected,
    );
    // What the API takes of a warning.
    for (const finding of findings) assert.ok(findingText(finding).length <= 512, findingText(finding));
  }
});

test('long and many entries stay bounded', () => {
  const findings = lintAnnotations(
    objectOf('Namespace', 'shop', { [ENVIRONMENT]: `${'x'.repeat(1_000)},${'y,'.repeat(10_000)}` }, undefined),
  );
  assert.equal(findings.length, 64);
  const [first] = findings;
  assert.ok(first !== undefined && findingText(first).length <= 512);
  assert.match(first.message, /^no environment "x{40}\.\.\."; known: .* and \d+ more$/);
});

test('a backend that closes idle connections before workers give them up', () => {
  const backend = (environment: string) =>
    lintBackend(objectOf('AgentgatewayBackend', 'app', { [ENVIRONMENT]: environment }, { static: {} }), () => []);
  for (const fine of ['', 'node-http', 'uvicorn', 'gunicorn=5s', 'aws-alb']) assert.deepEqual(backend(fine), [], fine);
  for (const short of ['gunicorn', 'gunicorn=4s']) {
    assert.match(backend(short)[0]?.message ?? '', /^gunicorn closes idle connections after [24]s, but workers reuse/);
  }
});

test('a middlebox before a backend: the probes in force on each way must come in time, and count', () => {
  const findings = (environment: string, policies: JsonObject, policy?: JsonObject) => {
    const backend = objectOf('AgentgatewayBackend', 'app', { [ENVIRONMENT]: environment }, { static: {}, policies });
    const time = (policy ?? policies)['time'] ?? 180;
    const tcp = { connectTimeoutMs: 1, idleSeconds: Number(time), intervalSeconds: 5, probes: 3 };
    const written = (settings: JsonObject) => ({
      tcp: { ...(settings['time'] !== undefined && { keepalive: { time: `${settings['time']}s` } }) },
    });
    const tcpPolicy = policy && objectOf('AgentgatewayPolicy', 'p', {}, { backend: written(policy) });
    const itself = { ...backend, spec: { static: {}, policies: written(policies) } };
    return lintBackend(itself, () => [{ tcp, ...(tcpPolicy && { tcpPolicy }) }]).map(
      ({ rule, object: { name }, field, message }) => `${rule} ${name} ${field}: ${message}`,
    );
  };
  const drops = 'not within 280s: aws-nat-gateway drops silent connections after 350s';
  assert.deepEqual(findings('aws-nat-gateway', {}), []);
  assert.deepEqual(findings('aws-nat-gateway', {}, { time: 279 }), []);
  assert.deepEqual(findings('aws-nat-gateway', {}, { time: 280 }), [
    `nat p spec.backend.tcp.keepalive.time: to the backend, the first probe comes after 280s, ${drops}`,
  ]);
  assert.deepEqual(findings('aws-nat-gateway', { time: 300 }), [
    `nat app spec.policies.tcp.keepalive.time: to the backend, the first probe comes after 300s, ${drops}`,
  ]);
  assert.match(
    findings('linux-conntrack=200s', {})[0] ?? '',
    /^nat app spec\.policies\.tcp\.keepalive: .* after 180s \(default\), not within 160s/,
  );
});

test('the data: names are unique, sources are links, and a rule is about kinds that exist', () => {
  const names = ENVIRONMENTS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, source } of ENVIRONMENTS) {
    assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    assert.ok(URL.canParse(source), source);
  }
  const kinds = new Set<string>(ENVIRONMENTS.map(({ kind }) => kind));
  for (const id of RULE_IDS) {
    assert.ok(URL.canParse(RULES[id].source));
    for (const kind of RULES[id].about) assert.ok(kinds.has(kind), kind);
  }
  assert.equal(isRuleId('constructor'), false);
});

/** A gateway with one policy on all of its ports. */
function lintSetup(
  { environment, settings = {}, protocols = ['http'] }: Setup,
  annotations: { readonly [place: string]: Annotations } = {},
) {
  const listeners = protocols.map((protocol, index) => ({ protocol: protocol.toUpperCase(), port: 3_000 + index }));
  const named = environment === undefined ? {} : { [ENVIRONMENT]: environment };
  const gateway = objectOf('Gateway', 'edge', { ...named, ...annotations['gateway'] }, { listeners });
  const frontend = {
    ...(settings.tcp && { tcp: { keepalive: settings.tcp } }),
    ...(settings.http && { http: settings.http }),
    ...(settings.tls && { tls: settings.tls }),
  };
  const policy = objectOf('AgentgatewayPolicy', 'keepalive', annotations['policy'] ?? {}, { frontend });
  const effective = policiesOf(settings);
  const ports = protocols.map(
    (protocol, index): LintedPort => ({
      port: 3_000 + index,
      protocol,
      frontend: effectiveFrontend(effective, GATEWAY_NAME, 3_000 + index),
      ...(settings.tcp && { tcpPolicy: policy }),
      ...(settings.http && { httpPolicy: policy }),
      ...(settings.tls && { tlsPolicy: policy }),
    }),
  );
  const namespace = objectOf('Namespace', 'shop', annotations['namespace'] ?? {}, undefined);
  return lintGateway({ gateway, namespace }, ports);
}

const GATEWAY_NAME = { namespace: 'shop', name: 'edge' };

/** The policy's sections as the projection sends them. */
function policiesOf({ tcp, http }: Settings): readonly Policy[] {
  const ms = (text: string | number | undefined) => (typeof text === 'string' ? parseDuration(text) : undefined);
  const sections: FrontendPolicy[] = [];
  if (tcp !== undefined) {
    const keepalive = { timeMs: ms(tcp['time']), intervalMs: ms(tcp['interval']), retries: tcp['retries'] };
    sections.push({ section: 'tcp', keepalive: defined(keepalive) });
  }
  if (http !== undefined) {
    const times = Object.entries(http).map(([name, text]) => [`${name}Ms`, ms(text)]);
    sections.push({ section: 'http', http: defined(Object.fromEntries(times)) });
  }
  return sections.map((frontend) => ({
    kind: 'policy',
    key: frontend.section,
    name: { kind: 'AgentgatewayPolicy', namespace: 'shop', name: 'keepalive' },
    target: { gateway: GATEWAY_NAME },
    frontend,
  }));
}

function defined(settings: object): object {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function objectOf(
  kind: string,
  name: string,
  annotations: Annotations,
  spec: JsonObject | undefined,
): KubernetesObject {
  const metadata = { name, ...(kind !== 'Namespace' && { namespace: 'shop' }), annotations };
  return { apiVersion: 'v1', kind, metadata, ...(spec !== undefined && { spec }) };
}
