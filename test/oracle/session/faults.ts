import type { JsonObject } from '@pulseplane/resources';
import { type Part, request, type Step, shell } from '../step.ts';
import {
  AGENTGATEWAY,
  backend,
  GATEWAY_API,
  GATEWAY_API_ALPHA,
  gateway,
  gatewayClass,
  httpRoute,
  keepalive,
  namespace,
  policy,
  tcpRoute,
  tlsRoute,
} from './manifests.ts';

const NAMESPACE = 'oracle-faults';
const PATHS: Readonly<Record<string, string>> = {
  AgentgatewayPolicy: `/apis/${AGENTGATEWAY}/namespaces/${NAMESPACE}/agentgatewaypolicies`,
  AgentgatewayBackend: `/apis/${AGENTGATEWAY}/namespaces/${NAMESPACE}/agentgatewaybackends`,
  Gateway: `/apis/${GATEWAY_API}/namespaces/${NAMESPACE}/gateways`,
  GatewayClass: `/apis/${GATEWAY_API}/gatewayclasses`,
  HTTPRoute: `/apis/${GATEWAY_API}/namespaces/${NAMESPACE}/httproutes`,
  TCPRoute: `/apis/${GATEWAY_API_ALPHA}/namespaces/${NAMESPACE}/tcproutes`,
  TLSRoute: `/apis/${GATEWAY_API_ALPHA}/namespaces/${NAMESPACE}/tlsroutes`,
  Namespace: '/api/v1/namespaces',
};

const LISTENER = { name: 'http', port: 80, protocol: 'HTTP' };
const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' };
const BACKEND = { group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'origin' };

/** Objects with the fault that their step is named for. */
type Faulty = Readonly<Record<string, JsonObject>>;

const frontend = (http: JsonObject): JsonObject => policy('x', { spec: { frontend: { http } } });
const targets = (...targetRefs: JsonObject[]): JsonObject => policy('x', { spec: { targetRefs } });
const listeners = (...items: JsonObject[]): JsonObject => gateway('x', { listeners: items });
const rule = (value: JsonObject): JsonObject => httpRoute('x', { rules: [{ backendRefs: [BACKEND], ...value }] });
const named = (metadata: JsonObject): JsonObject => ({ ...policy('x'), metadata });

/** What kubectl says of each; what a schema finds within an object is also compared in test/crds, for more objects. */
const POLICIES: Faulty = {
  'retries too small': keepalive('x', { retries: 0 }),
  'retries too large': keepalive('x', { retries: 65 }),
  'retries of a wrong type': keepalive('x', { retries: '3' }),
  'retries no integer': keepalive('x', { retries: 3.5 }),
  'retries true': keepalive('x', { retries: true }),
  'a time of no unit': keepalive('x', { time: '30' }),
  'a time as a number': keepalive('x', { time: 30 }),
  'a time that is too short': keepalive('x', { time: '500ms' }),
  'a time that Linux refuses': keepalive('x', { time: '32768s' }),
  days: keepalive('x', { interval: '1d' }),
  'an empty time': keepalive('x', { time: '' }),
  'three faults': keepalive('x', { retries: 0, time: '500ms', interval: '10h' }),
  'an empty keepalive': keepalive('x', {}),
  'keepalive as a list': policy('x', { spec: { frontend: { tcp: { keepalive: [] } } } }),
  'keepalive null': policy('x', { spec: { frontend: { tcp: { keepalive: null } } } }),
  'tcp empty': policy('x', { spec: { frontend: { tcp: {} } } }),
  'http empty': frontend({}),
  'a size that is none': frontend({ maxBufferSize: 'big' }),
  'a size below zero': frontend({ maxBufferSize: -1 }),
  'a frame that is too small': frontend({ http2FrameSize: 1 }),
  'headers too many': frontend({ http1MaxHeaders: 4097 }),
  'two times of HTTP': frontend({ http1IdleTimeout: '999ms', maxConnectionDuration: '1d' }),
  'no targets': policy('x', { spec: { targetRefs: null } }),
  'an empty list of targets': targets(),
  'too many targets': targets(...Array.from({ length: 17 }, () => TARGET)),
  'targets of two kinds': targets(TARGET, { ...TARGET, kind: 'HTTPRoute' }),
  'a target of a wrong kind': targets({ ...TARGET, kind: 'Pod' }),
  'a target with a section and a port': targets({ ...TARGET, sectionName: 'http', port: 80 }),
  'a target with a wrong port': targets({ ...TARGET, port: 70_000 }),
  'a target without a kind': targets({ name: 'x' }),
  'a target with an empty name': targets({ ...TARGET, name: '' }),
  'targets that are text': policy('x', { spec: { targetRefs: 'edge' } }),
  'spec as a list': { ...policy('x'), spec: [] },
  'spec as text': { ...policy('x'), spec: 'x' },
  'no spec': { apiVersion: AGENTGATEWAY, kind: 'AgentgatewayPolicy', metadata: { name: 'x' } },
  'an unknown field': keepalive('x', { retrys: 3 }),
  'unknown fields at every level': { ...policy('x', { spec: { other: 1 } }), more: { a: 1 } },
};

const METADATA: Faulty = {
  'a name with capitals': named({ name: 'Not_A_Name' }),
  'a name that is too long': named({ name: 'n'.repeat(254) }),
  'a name that ends in a dash': named({ name: 'x-' }),
  'a name that is a number': named({ name: 3 }),
  'a label key that cannot be': named({ name: 'x', labels: { 'a b': 'c' } }),
  'a label value that cannot be': named({ name: 'x', labels: { a: '-b-' } }),
  'a label value that is too long': named({ name: 'x', labels: { a: 'b'.repeat(64) } }),
  'a label that is a number': named({ name: 'x', labels: { a: 1 } }),
  'labels as a list': named({ name: 'x', labels: [] }),
  'an annotation key that cannot be': named({ name: 'x', annotations: { 'a b': 'c' } }),
  'an annotation that is a number': named({ name: 'x', annotations: { a: 1 } }),
  'annotations that are too large': named({ name: 'x', annotations: { a: 'b'.repeat(263_000) } }),
  'a finalizer that cannot be': named({ name: 'x', finalizers: ['no'] }),
  'an owner of nothing': named({ name: 'x', ownerReferences: [{}] }),
  'an unknown field of metadata': named({ name: 'x', nothing: 1 }),
  'metadata as text': { ...policy('x'), metadata: 'x' },
};

const OTHERS: Faulty = {
  'AgentgatewayBackend: nothing': backend('x', {}),
  'AgentgatewayBackend: a host without a port': backend('x', { static: { host: 'a' } }),
  'AgentgatewayBackend: an empty host and port 0': backend('x', { static: { host: '', port: 0 } }),
  'AgentgatewayBackend: a long host': backend('x', { static: { host: 'a'.repeat(257), port: 80 } }),
  'AgentgatewayBackend: an unknown field': backend('x', { static: { host: 'a', port: 80, ports: 81 } }),
  'Gateway: no class': gateway('x', { gatewayClassName: null }),
  'Gateway: no listeners': listeners(),
  'Gateway: a name twice': listeners(LISTENER, { ...LISTENER, port: 81 }),
  'Gateway: a port twice': listeners(LISTENER, { ...LISTENER, name: 'b' }),
  'Gateway: a hostname for TCP': listeners({ ...LISTENER, protocol: 'TCP', hostname: 'a' }),
  'Gateway: HTTPS that passes through': listeners({ ...LISTENER, protocol: 'HTTPS', tls: { mode: 'Passthrough' } }),
  'Gateway: a strange protocol': listeners({ ...LISTENER, protocol: 'a b' }),
  'Gateway: a port of no use': listeners({ ...LISTENER, hostname: 'a_b', port: 0 }),
  'Gateway: an unknown field': listeners({ ...LISTENER, address: 'a' }),
  'GatewayClass: no domain': gatewayClass('oracle-faults', { controllerName: 'agentgateway' }),
  'GatewayClass: no controller': gatewayClass('oracle-faults', { controllerName: null }),
  'GatewayClass: a long description': gatewayClass('oracle-faults', { description: 'a'.repeat(65) }),
  'HTTPRoute: a relative path': rule({ matches: [{ path: { type: 'Exact', value: 'a' } }] }),
  'HTTPRoute: a path with dots': rule({ matches: [{ path: { type: 'PathPrefix', value: '/a/../b' } }] }),
  'HTTPRoute: a strange type of path': rule({ matches: [{ path: { type: 'Prefix', value: '/' } }] }),
  'HTTPRoute: a method in small letters': rule({ matches: [{ method: 'get' }] }),
  'HTTPRoute: a header with a space': rule({ matches: [{ headers: [{ name: 'a b', value: '' }] }] }),
  'HTTPRoute: a backend without a port': rule({ backendRefs: [{ name: 's' }] }),
  'HTTPRoute: a weight below zero': rule({ backendRefs: [{ ...BACKEND, weight: -1 }] }),
  'HTTPRoute: no rules': httpRoute('x', { rules: [] }),
  'HTTPRoute: too many rules': httpRoute('x', { rules: Array.from({ length: 17 }, () => ({})) }),
  'HTTPRoute: strange hostnames': httpRoute('x', { hostnames: ['a:80', ''] }),
  'HTTPRoute: a parent twice': httpRoute('x', { parentRefs: [{ name: 'a' }, { name: 'a' }] }),
  'HTTPRoute: an unknown field': rule({ matcher: [] }),
  'TCPRoute: no rules': tcpRoute('x', { rules: null }),
  'TCPRoute: no backends': tcpRoute('x', { rules: [{ backendRefs: [] }] }),
  'TCPRoute: two rules': tcpRoute('x', { rules: [{ backendRefs: [BACKEND] }, { backendRefs: [BACKEND] }] }),
  'TLSRoute: strange hostnames': tlsRoute('x', { hostnames: ['a_b', '*'] }),
  'TLSRoute: an unknown field': tlsRoute('x', { hostname: 'a' }),
  'Namespace: a name with a dot': namespace('a.b'),
  'Namespace: a long name': namespace('n'.repeat(64)),
  'Namespace: capitals': namespace('Capital'),
  'Namespace: a strange label': namespace('oracle-faults-x', { labels: { a: '-b' } }),
  'Namespace: an unknown field': { ...namespace('oracle-faults-x'), spec: { nothing: 1 } },
  'Namespace: a wrong type': { ...namespace('oracle-faults-x'), spec: { finalizers: 'a' } },
  'Namespace: spec as text': { ...namespace('oracle-faults-x'), spec: 'a' },
  'Namespace: a label that is a number': namespace('oracle-faults-x', { labels: { a: 1 } }),
};

/** Every fault that an object can have. */
export const FAULTS: Part = {
  name: 'faults',
  namespace: NAMESPACE,
  steps: [
    shell(`kubectl create namespace ${NAMESPACE}`),
    ...Object.entries(POLICIES).map(([name, object]) => shell('kubectl create --dry-run=server -f -', object, name)),
    ...Object.entries({ ...METADATA, ...OTHERS }).map(([name, object]) => posted(name, object)),
  ],
};

/** The whole answer, with codes and causes, as a client library sees it. */
function posted(name: string, object: JsonObject): Step {
  const { [String(object['kind'])]: path = '' } = PATHS;
  return request(name, 'POST', `${path}?dryRun=All&fieldValidation=Strict`, { body: object });
}
