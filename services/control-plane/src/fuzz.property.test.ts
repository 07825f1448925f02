import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  type EventLog,
  newSealingKeyFile,
  openSqliteEventLog,
  parseSealingKeys,
  type StoredEvent,
  sealSecrets,
} from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import {
  contentOf,
  findKind,
  GATEWAY,
  type JsonObject,
  type KubernetesObject,
  type ObjectRef,
  RESOURCE_KINDS,
  type StoredObject,
  validateObject,
} from '@pulseplane/resources';
import type { Logger } from '@pulseplane/telemetry';
import { RESOURCE_TYPE_URL } from '@pulseplane/wire';
import fc from 'fast-check';
import { ClusterView, createApi, RecordedEvents, StatusChanges, seed } from './api/index.ts';
import { bootstrap } from './command/index.ts';
import { PRIVATE_PARTS } from './testing/fuzzed-objects.ts';
import { type FuzzedRequest, fuzzedRequest } from './testing/fuzzed-requests.ts';
import { followLog } from './xds/follow-log.ts';
import { GatewaySnapshots } from './xds/gateway-snapshots.ts';
import { agentgatewayTranslation } from './xds/translation.ts';

/** How long to go on, and where to begin: a run that failed prints what repeats it. */
const SECONDS = Number(process.env['PULSEPLANE_FUZZ_SECONDS'] ?? 40);
const SEED = Number(process.env['PULSEPLANE_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** The longest that any request may take. */
const PATIENCE_MS = 10_000;

const START = `
apiVersion: v1
kind: Namespace
metadata: { name: fuzz }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: g, namespace: fuzz, labels: { tier: edge } }
spec:
  gatewayClassName: agentgateway
  listeners: [{ name: http, protocol: HTTP, port: 3000 }, { name: tcp, protocol: TCP, port: 81 }]
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata: { name: a, namespace: fuzz }
spec:
  targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: g }]
  frontend: { tcp: { keepalive: { retries: 3, time: 30s, interval: 5s } } }
---
apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayBackend
metadata: { name: a, namespace: fuzz }
spec: { static: { host: 127.0.0.1, port: 9000 } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: a, namespace: fuzz }
spec:
  parentRefs: [{ name: g, sectionName: http }]
  rules: [{ backendRefs: [{ group: agentgateway.dev, kind: AgentgatewayBackend, name: a }] }]
`;

type Answer = { readonly code: number; readonly headers: IncomingHttpHeaders; readonly body: string };

const directory = mkdtempSync(join(tmpdir(), 'pulseplane-fuzz-'));
const agent = new Agent({ keepAlive: true });
/** The run that goes on when the time is over: fast-check does not wait for it. */
let lastRun: Promise<void> = Promise.resolve();
let isOver = false;
after(async () => {
  isOver = true;
  await lastRun.catch(() => undefined);
  agent.destroy();
  rmSync(directory, { recursive: true, force: true });
});

test('no request breaks the server or what is stored', async (context) => {
  context.diagnostic(`${SECONDS} s from seed ${SEED}; PULSEPLANE_FUZZ_SECONDS and PULSEPLANE_FUZZ_SEED say otherwise`);
  const codes = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(fuzzedRequest, { minLength: 1, maxLength: 300, size: 'max' }), (requests) => {
      lastRun = run(requests, codes);
      return lastRun;
    }),
    {
      seed: SEED,
      numRuns: Number.MAX_SAFE_INTEGER,
      interruptAfterTimeLimit: SECONDS * 1_000,
      // Without it only the requests are printed, and not what was wrong with them.
      includeErrorInReport: true,
    },
  );
  const seen = [...codes].sort(([a], [b]) => a - b).map(([code, count]) => `${code}: ${count}`);
  context.diagnostic(`answers: ${seen.join(', ')}`);
  for (const code of [200, 201, 400, 404, 409, 415, 422])
    assert.ok(codes.has(code), `nothing was answered with ${code}`);
});

/** Sends requests to a server of their own, one after the other, and counts the codes of the answers. */
async function run(requests: readonly FuzzedRequest[], codes: Map<number, number>): Promise<void> {
  const server = await startServer();
  try {
    for (const request of requests) {
      if (isOver) return;
      const code = await check(server, request);
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    checkConfigurations(server);
  } finally {
    await server.close();
  }
}

type Server = {
  readonly log: EventLog;
  readonly port: number;
  readonly projection: Projection;
  readonly snapshots: GatewaySnapshots;
  /** What was logged at level error. */
  readonly errors: readonly object[];
  readonly close: () => Promise<void>;
};

let logs = 0;

/** What compose makes of a log in a file, but for the workers' side. */
async function startServer(): Promise<Server> {
  logs += 1;
  const log = sealSecrets(openSqliteEventLog(join(directory, `${logs}.db`)), parseSealingKeys(newSealingKeyFile()));
  const errors: object[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields, message) => errors.push({ ...fields, message }),
  };
  const now = () => new Date();
  const newId = () => randomUUID();
  await bootstrap(log, { now: now().toISOString(), newId });
  const seeded = await seed(log, START, { now, newId, via: 'first-start' });
  assert.ok(seeded.ok, JSON.stringify(seeded));
  const projection = new Projection(log);
  const snapshots = new GatewaySnapshots({ projection, logger, translations: [agentgatewayTranslation()] });
  followLog(log, projection, snapshots, logger);
  const app = await createApi({
    log,
    statusOf: (stored) => projection.status(stored, () => ({ kind: 'no-workers' })),
    statusChanges: new StatusChanges(),
    projectionAt: (seq) =>
      seq === log.head()
        ? projection
        : new Projection({ object: (ref) => log.objectAt(ref, seq), each: (filter) => log.objectsAt(filter, seq) }),
    recordedEvents: new RecordedEvents(now),
    clusterView: new ClusterView({ workers: () => [], onWorkers: () => () => undefined, now }),
    openToWorker: () => Promise.resolve({ kind: 'refused', reason: 'nobody is connected' }),
    workerReport: () => undefined,
    workers: () => [],
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    envoyNotices: { of: () => [], ofDraft: () => [], ofTouched: () => [] },
    logger,
    now,
    newId,
    allowedHosts: [],
    ready: () => true,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    log,
    port,
    projection,
    snapshots,
    errors,
    close: async () => {
      await app.close();
      await log.close();
    },
  };
}

/** Sends a request, judges the answer and what it left in the log. Gives the code. */
async function check(server: Server, template: FuzzedRequest): Promise<number> {
  const { log, errors } = server;
  const request = filledIn(log, template);
  const about = `${request.method} ${request.target} ${JSON.stringify(request.headers)}\n${Buffer.from(request.body ?? []).toString()}\n`;
  const before = log.head();
  const answer = await send(server.port, request);
  const said = `${about}${answer.code} ${answer.body}`;
  assert.deepEqual(errors, [], said);
  if (answer.code >= 400) checkRefusal(answer, request, said);
  const asksForSecret = /\/secrets(\/[^/?]+(\/(rollback|undelete))?)?(\?|$)/.test(request.target);
  if (answer.code >= 400 || !asksForSecret) assert.doesNotMatch(answer.body, PRIVATE_PARTS, said);
  const events = log.read({ from: before + 1, limit: 10_000 });
  const mayWrite =
    answer.code < 300 && !['GET', 'HEAD'].includes(request.method) && !/[?&]dryRun=All/.test(request.target);
  if (!mayWrite) assert.equal(events.length, 0, said);
  for (const event of events) checkEvent(log, event, said);
  assert.deepEqual(Object.keys(Object.prototype), [], said);
  assert.equal(({} as { readonly polluted?: unknown }).polluted, undefined, said);
  return answer.code;
}

/** A Status with a reason; a fault of a field names it. */
function checkRefusal({ code, headers, body }: Answer, { method, target }: FuzzedRequest, said: string): void {
  assert.match(headers['content-type'] ?? '', /^application\/json/, said);
  assert.ok(headers['x-request-id'], said);
  const status = JSON.parse(body) as {
    readonly kind: string;
    readonly apiVersion: string;
    readonly status: string;
    readonly code: number;
    readonly reason: string;
    readonly message: string;
    readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message: string }[] };
  };
  const { kind, apiVersion, status: result, code: same, reason, message, details } = status;
  assert.deepEqual([kind, apiVersion, result, same], ['Status', 'v1', 'Failure', code], said);
  assert.ok(message.length > 0, said);
  if (code >= 500) {
    // Both are Kubernetes' own: an apply that does not fit the schema, and a version that has not happened yet.
    const isKnown =
      (code === 500 && method === 'PATCH' && message.startsWith('failed to create typed patch object')) ||
      (code === 504 && method === 'GET' && /[?&]resourceVersion=/.test(target));
    assert.ok(isKnown, said);
  } else assert.ok(reason.length > 0, said);
  const isAboutPatch = message.startsWith('the server rejected our request due to an error in our request: ');
  if (code !== 422 || isAboutPatch) return;
  const causes = details?.causes ?? [];
  assert.ok(causes.length > 0, said);
  // A preview tells of several objects; what is wrong with one as a whole is said of the document.
  for (const { field, message: text } of causes) assert.ok(field !== undefined || text.startsWith('document '), said);
}

/** An event is a change of what was there before it, and leaves an object that today's rules take. */
function checkEvent(log: EventLog, event: StoredEvent, said: string): void {
  const { seq, type, object, subject } = event;
  const previous = log.objectAt(subject, seq - 1);
  const now = log.objectAt(subject, seq);
  switch (type) {
    case 'Created':
      assert.equal(previous, undefined, said);
      break;
    case 'Deleted':
      assert.ok(previous !== undefined && now === undefined, said);
      return;
    case 'SpecChanged':
      assert.notEqual(contentText(object), contentText(previous?.object), said);
      break;
    case 'MetadataChanged':
      assert.deepEqual(contentOf(object), previous && contentOf(previous.object), said);
      assert.ok(!isDeepStrictEqual(object.metadata, previous?.object.metadata), said);
      break;
  }
  assert.ok(now !== undefined, said);
  checkStored(now, said);
}

/** A rollback restores the bytes, in which the order of fields is one more difference. */
function contentText(object: KubernetesObject | undefined): string | undefined {
  return object && JSON.stringify(contentOf(object));
}

function checkStored({ ref, object }: StoredObject, said: string): void {
  const kind = findKind(object.apiVersion, object.kind);
  assert.ok(kind !== undefined, said);
  const { metadata } = object;
  assert.deepEqual([metadata.name, metadata.namespace ?? ''], [ref.name, ref.namespace], said);
  const valid = validateObject(kind, asWritten(object));
  assert.deepEqual([valid.errors, valid.unknown], [[], []], said);
  assert.deepEqual(contentOf(valid.object), contentOf(object), said);
  assert.deepEqual(JSON.parse(JSON.stringify(object)), object, said);
}

function asWritten(object: KubernetesObject): JsonObject {
  return JSON.parse(JSON.stringify(object)) as JsonObject;
}

/** All of it can be read and encoded, and what followed the events is what they come to from zero. */
function checkConfigurations({ log, projection, snapshots, errors }: Server): void {
  const anew = new Projection(log);
  for (const stored of log.objects({})) {
    checkStored(stored, JSON.stringify(stored));
    const observe = () => ({ kind: 'no-workers' }) as const;
    assert.deepEqual(projection.status(stored, observe), anew.status(stored, observe));
  }
  for (const { ref } of log.objects({ group: GATEWAY.group, kind: GATEWAY.kind })) {
    const gateway = { namespace: ref.namespace, name: ref.name };
    assert.deepEqual(projection.gateway(gateway), anew.gateway(gateway));
    assert.ok(snapshots.resources({ id: 'w', role: `${ref.namespace}~${ref.name}` }, RESOURCE_TYPE_URL) !== undefined);
  }
  assert.deepEqual(errors, []);
}

/** The request with the versions that are current. */
function filledIn(log: EventLog, { method, target, headers, body }: FuzzedRequest): FuzzedRequest {
  const [path = ''] = target.split('?', 1);
  const placed = placeOf(path);
  const version = placed && log.object(placed)?.version;
  const fill = (text: string): string =>
    text
      .replaceAll('$VERSION', String(version ?? ''))
      .replaceAll('$NAME', placed?.name ?? 'b')
      .replaceAll('$SEQ', String(log.head()));
  const isText = body !== undefined && Buffer.from(body).includes('$');
  return {
    method,
    target: fill(target),
    headers,
    body: isText ? Buffer.from(fill(Buffer.from(body).toString())) : body,
  };
}

function placeOf(path: string): ObjectRef | undefined {
  for (const { group, version, kind, plural, namespaced } of RESOURCE_KINDS) {
    const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const pattern = new RegExp(`^${base}${namespaced ? '/namespaces/([^/]+)' : '()'}/${plural}/([^/]+)`);
    const [, namespace = '', name = ''] = pattern.exec(path) ?? [];
    if (name !== '') return { group, kind, namespace, name };
  }
  return undefined;
}

function send(port: number, { method, target, headers, body }: FuzzedRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Without a length Node sends the body of a DELETE as if it were the next request.
    const length = { 'content-length': String(body?.length ?? 0) };
    const options = { port, host: '127.0.0.1', method, path: target, headers: { ...length, ...headers }, agent };
    const request = httpRequest(options, (response) => {
      const { statusCode: code = 0, headers: received } = response;
      const chunks: Buffer[] = [];
      const done = (): void => {
        clearTimeout(timer);
        resolve({ code, headers: received, body: Buffer.concat(chunks).toString() });
      };
      // A watch goes on; that it has begun is enough.
      if (code === 200 && isStream(target, received)) {
        response.on('error', () => undefined);
        response.destroy();
        done();
        return;
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', done);
      response.on('error', reject);
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    request.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error(`${method} ${target} ${JSON.stringify(headers)}`, { cause }));
    });
    if (body !== undefined) request.write(body);
    request.end();
  });
}

function isStream(target: string, headers: IncomingHttpHeaders): boolean {
  return /[?&]watch=[^&]/.test(target) || (headers['transfer-encoding'] === 'chunked' && target.includes('/log'));
}
