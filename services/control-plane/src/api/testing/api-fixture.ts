import { randomUUID } from 'node:crypto';
import { createMemoryEventLog, type EventLog } from '@pulseplane/event-log';
import { Projection } from '@pulseplane/projection';
import type { Logger } from '@pulseplane/telemetry';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { ApiOptions } from '../api-options.ts';
import { ClusterView } from '../cluster-view/cluster-view.ts';
import { createApi } from '../create-api.ts';
import { RecordedEvents } from '../recorded-events/recorded-events.ts';
import { seed } from '../seed.ts';
import { StatusChanges } from '../watch/status-changes.ts';

/** The two tutorial manifests, as objects. */
export const TCP_POLICY = policyWith({ tcp: { keepalive: { retries: 3, time: '30s', interval: '5s' } } });
export const HTTP_POLICY = policyWith({ http: { http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '30s' } });

export const POLICIES = '/apis/agentgateway.dev/v1alpha1/namespaces/httpbin/agentgatewaypolicies';
export const POLICY = `${POLICIES}/httpbin-keepalive`;
export const ALL_POLICIES = '/apis/agentgateway.dev/v1alpha1/agentgatewaypolicies';

export const MERGE = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';

/** The class of the gateways; it is there when a test puts it there. */
export const CLASSES = '/apis/gateway.networking.k8s.io/v1/gatewayclasses';
export const CLASS = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'GatewayClass',
  metadata: { name: 'agentgateway' },
  spec: { controllerName: 'agentgateway.dev/agentgateway' },
};

const DEFAULT_NAMESPACE = '{apiVersion: v1, kind: Namespace, metadata: {name: default}}';

type LoggedError = { readonly fields: object; readonly message: string };

export type ApiFixture = {
  readonly app: FastifyInstance;
  readonly log: EventLog;
  /** What was logged at level error. */
  readonly errors: readonly LoggedError[];
  /** Sends JSON (or text as it is) and gives the answer. */
  send(method: Method, url: string, body?: unknown, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
};

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

/** An API on a log in memory that holds the namespaces default and httpbin (events 1 and 2). */
export async function createFixture(given: Partial<ApiOptions> = {}): Promise<ApiFixture> {
  const log = given.log ?? createMemoryEventLog();
  const errors: LoggedError[] = [];
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields, message) => errors.push({ fields, message }),
  };
  const now = () => new Date('2026-11-22T10:20:30.456Z');
  await seed(log, DEFAULT_NAMESPACE, { now, newId: randomUUID, via: 'bootstrap' });
  const app = await createApi({
    log,
    logger,
    now,
    newId: randomUUID,
    statusOf: () => undefined,
    statusChanges: new StatusChanges(),
    projectionAt: (seq) =>
      new Projection({
        object: (ref) => log.objectAt(ref, seq),
        each: (filter) => log.objectsAt(filter, seq),
      }),
    clusterView: new ClusterView({ workers: () => [], onWorkers: () => () => undefined, now }),
    recordedEvents: new RecordedEvents(now),
    openToWorker: () => Promise.resolve({ kind: 'refused', reason: 'nobody is connected' }),
    workerReport: () => undefined,
    workers: () => [],
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: '' }),
    envoyNotices: { of: () => [], ofDraft: () => [], ofTouched: () => [] },
    allowedHosts: [],
    ready: () => true,
    ...given,
  });
  const fixture: ApiFixture = {
    app,
    log,
    errors,
    send: (method, url, body, headers = {}) =>
      app.inject({
        method,
        url,
        headers: {
          host: '127.0.0.1:8080',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
  };
  await fixture.send('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'httpbin' },
  });
  return fixture;
}

function policyWith(frontend: object) {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name: 'httpbin-keepalive', namespace: 'httpbin' },
    spec: {
      targetRefs: [{ kind: 'Gateway', name: 'agentgateway-proxy', group: 'gateway.networking.k8s.io' }],
      frontend,
    },
  };
}
