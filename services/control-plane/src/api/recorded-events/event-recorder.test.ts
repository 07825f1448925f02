import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMemoryEventLog } from '@pulseplane/event-log';
import { Projection, type WorkerObservation } from '@pulseplane/projection';
import { contentOf, type StoredObject } from '@pulseplane/resources';
import { CLASS, CLASSES, createFixture, MERGE, POLICIES, POLICY, TCP_POLICY } from '../testing/api-fixture.ts';
import { StatusChanges } from '../watch/status-changes.ts';
import { EVENT } from './event-kind.ts';
import { EventRecorder } from './event-recorder.ts';
import { RecordedEvents } from './recorded-events.ts';

const GATEWAYS = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/gateways';
const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/httpbin/httproutes';
const EDGE = { namespace: 'httpbin', name: 'agentgateway-proxy' };

const gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: EDGE,
  spec: { gatewayClassName: 'agentgateway', listeners: [{ name: 'http', port: 3000, protocol: 'HTTP' }] },
};
const route = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'r', namespace: 'httpbin' },
  spec: { parentRefs: [{ name: 'agentgateway-proxy' }] },
};
const KEY = 'policy/frontend/httpbin/httpbin-keepalive:frontend-tcp:httpbin/agentgateway-proxy';

/** An API with the stages behind it, on a log in memory; what the workers say is given. */
async function stages() {
  const log = createMemoryEventLog();
  const projection = new Projection(log);
  let workers: WorkerObservation = { kind: 'no-workers' };
  let ms = Date.parse('2026-11-22T10:20:30Z');
  const now = () => new Date(ms);
  const events = new RecordedEvents(now);
  const statusOf = (stored: StoredObject) => projection.status(stored, () => workers);
  const statusChanges = new StatusChanges();
  const warnings: unknown[] = [];
  const recorder = new EventRecorder({
    log,
    statusOf,
    affected: (ref, limit) => projection.affected(ref, limit),
    events,
    onStatus: (ref) => statusChanges.changed(ref, log.head()),
    logger: { debug() {}, info() {}, error() {}, warn: (fields) => warnings.push(fields) },
  });
  log.follow((batch) => {
    for (const event of batch) recorder.changed(event, projection.apply(event));
  });
  const fixture = await createFixture({
    log,
    statusOf: recorder.shown(statusOf),
    statusChanges,
    recordedEvents: events,
    now,
  });
  await fixture.send('POST', CLASSES, CLASS);
  return {
    ...fixture,
    warnings,
    statusChanges,
    answer: (observation: WorkerObservation) => {
      workers = observation;
      recorder.answered(EDGE);
    },
    wait: (seconds: number) => (ms += seconds * 1_000),
    /** `Normal Accepted x2 name: message`, of what was recorded until now. */
    told: async () => {
      await sleep(150);
      assert.deepEqual(warnings, []);
      return events.objects(EVENT).map(({ object }) => {
        const { type, reason, count, message, involvedObject } = contentOf(object);
        const { name } = involvedObject as { readonly name: string };
        return `${type} ${reason} x${count} ${name}: ${message}`;
      });
    },
  };
}

const running = { kind: 'connected', workers: 1, waiting: [], rejections: [], portFailures: [] } as const;

function assertTold(told: readonly string[], ...expected: readonly (readonly [RegExp, number?])[]): void {
  for (const [pattern, times = 1] of expected) {
    assert.equal(told.filter((line) => pattern.test(line)).length, times, `${pattern} in\n${told.join('\n')}`);
  }
}

test('a policy waits for its Gateway, is attached, programmed, changed, refused and overridden', async () => {
  const { send, told, answer, wait } = await stages();
  await send('POST', POLICIES, TCP_POLICY);
  assertTold(await told(), [
    /^Warning NotAttached x1 httpbin-keepalive: Policy is not attached: Gateway .* not found$/,
  ]);

  await send('POST', GATEWAYS, gateway);
  assertTold(
    await told(),
    [/^Normal Accepted x1 agentgateway-proxy: Gateway is accepted$/],
    [/^Normal Attached x1 httpbin-keepalive: Gateway httpbin\/agentgateway-proxy: Attached to all targets$/],
    [/Programmed/, 0],
  );

  answer(running);
  assertTold(
    await told(),
    [/^Normal Programmed x1 httpbin-keepalive: /],
    [/^Normal Programmed x1 agentgateway-proxy: /],
  );

  wait(60);
  await send(
    'PATCH',
    POLICY,
    { spec: { frontend: { tcp: { keepalive: { time: '60s' } } } } },
    { 'content-type': MERGE },
  );
  assertTold(
    await told(),
    [/^Normal Programmed x2 httpbin-keepalive: /],
    [/^Normal Programmed x1 agentgateway-proxy: /],
  );

  const rejections = [{ worker: 'w1', resource: KEY, message: 'no such thing' }];
  answer({ ...running, rejections });
  assertTold(await told(), [/^Warning Rejected x1 httpbin-keepalive: .*Rejected by w1: policy.*: no such thing$/]);
  answer(running);

  // Older by name at the same second.
  const winner = { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, name: 'a-winner' } };
  wait(-60);
  await send('POST', POLICIES, winner);
  assertTold(await told(), [
    /^Warning Overridden x1 httpbin-keepalive: .* is overridden by AgentgatewayPolicy httpbin\/a-winner$/,
  ]);
  await send('DELETE', `${POLICIES}/a-winner`);
  assertTold(await told(), [/^Normal Attached x[234] httpbin-keepalive: /]);
});

test('a port that a worker cannot open is told once on the Gateway, and once when it has healed', async () => {
  const { send, told, answer, statusChanges } = await stages();
  const changed: string[] = [];
  statusChanges.onChange(({ name }) => changed.push(name));
  await send('POST', GATEWAYS, gateway);
  await told();
  assert.deepEqual(changed, [], 'its own event tells its status');
  const failure = { worker: 'w1', port: 3000, address: '127.0.0.1', code: 'EADDRINUSE' };
  const failing = { ...running, portFailures: [failure] };
  answer(failing);
  const warning =
    /^Warning PortUnavailable x1 agentgateway-proxy: Listener http: Port 3000 cannot be opened by w1 \(EADDRINUSE 127\.0\.0\.1:3000\)$/;
  assertTold(await told(), [warning], [/Warning/], [/Programmed/, 0]);
  answer({ ...failing, waiting: ['w1'] });
  await told();
  answer(failing);
  assertTold(await told(), [warning]);
  assert.deepEqual(changed, [EDGE.name], 'its status is the same all the while');
  answer(running);
  assertTold(await told(), [warning], [/^Normal Programmed x1 agentgateway-proxy: Acknowledged by every/], [/Warning/]);
});

test('a change is not waited for with a status; who was shown another than the last is told', async () => {
  const log = createMemoryEventLog();
  const { send } = await createFixture({ log });
  let computed = 0;
  let status = { conditions: 'first' };
  const changed: string[] = [];
  const recorder = new EventRecorder({
    log,
    statusOf: () => {
      computed += 1;
      return status;
    },
    affected: () => [],
    events: new RecordedEvents(() => new Date()),
    onStatus: ({ name }) => changed.push(name),
    logger: { debug() {}, info() {}, error: assert.fail, warn: assert.fail },
  });
  const shown = recorder.shown(() => status);
  log.follow((batch) => {
    for (const event of batch) recorder.changed(event, []);
  });
  const stored = () => {
    const { namespace } = EDGE;
    const found = log.object({
      group: 'agentgateway.dev',
      kind: 'AgentgatewayPolicy',
      namespace,
      name: 'httpbin-keepalive',
    });
    assert.ok(found);
    return found;
  };
  const patch = async (time: string) => {
    await send('PATCH', POLICY, { spec: { frontend: { tcp: { keepalive: { time } } } } }, { 'content-type': MERGE });
  };
  await send('POST', POLICIES, TCP_POLICY);
  assert.equal(computed, 0);
  await sleep(100);
  assert.deepEqual([computed, changed], [1, []], 'nobody was shown its status before');
  await patch('60s');
  shown(stored());
  await sleep(100);
  assert.deepEqual([computed, changed], [2, []], 'that is the status that was shown');
  await patch('61s');
  shown(stored());
  status = { conditions: 'second' };
  await sleep(100);
  assert.deepEqual(changed, ['httpbin-keepalive'], 'the first was shown');
  await patch('62s');
  shown(stored());
  status = { conditions: 'third' };
  shown(stored());
  status = { conditions: 'second' };
  await sleep(100);
  assert.deepEqual(changed, ['httpbin-keepalive', 'httpbin-keepalive'], 'some have the third');
  assert.equal(computed, 4);
});

test('rollbacks and undeletions are told with who asked for them', async () => {
  const { send, told, log } = await stages();
  await send('POST', POLICIES, TCP_POLICY);
  const before = log.head();
  await send(
    'PATCH',
    POLICY,
    { spec: { frontend: { tcp: { keepalive: { time: '60s' } } } } },
    { 'content-type': MERGE },
  );
  await send('POST', `${POLICY}/rollback?to=${before}`, undefined, { 'user-agent': 'kubectl/v1' });
  await send('DELETE', POLICY);
  await send('POST', `${POLICY}/undelete`);
  assertTold(
    await told(),
    [
      new RegExp(
        `^Normal RolledBack x1 httpbin-keepalive: Spec of event ${before} brought back by anonymous through kubectl`,
      ),
    ],
    [/^Normal Undeleted x1 httpbin-keepalive: Brought back from event \d+ by anonymous/],
  );
});

test('a route hears of its Gateway and of its backends', async () => {
  const { send, told } = await stages();
  const rules = [{ backendRefs: [{ group: 'agentgateway.dev', kind: 'AgentgatewayBackend', name: 'demo' }] }];
  await send('POST', GATEWAYS, gateway);
  const created = await send('POST', ROUTES, { ...route, spec: { ...route.spec, rules } });
  assert.equal(created.statusCode, 201, created.body);
  assertTold(await told(), [/^Normal Accepted x1 r: /], [/^Warning BackendNotFound x1 r: .*demo not found$/]);
  const backend = {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { name: 'demo', namespace: 'httpbin' },
    spec: { static: { host: 'localhost', port: 9 } },
  };
  await send('POST', POLICIES.replace('agentgatewaypolicies', 'agentgatewaybackends'), backend);
  assertTold(await told(), [/^Normal ResolvedRefs x1 r: /]);
  await send('DELETE', `${GATEWAYS}/agentgateway-proxy`);
  assertTold(await told(), [/^Warning \w+ x1 r: /, 2]);
});

test('what cannot be read is no reason to end', async () => {
  const { log, send } = await createFixture();
  const warnings: unknown[] = [];
  const recorder = new EventRecorder({
    log,
    statusOf: () => {
      throw new Error('the log cannot be read');
    },
    affected: () => [],
    events: new RecordedEvents(() => new Date()),
    onStatus: () => undefined,
    logger: { debug() {}, info() {}, error() {}, warn: (fields) => warnings.push(fields) },
  });
  log.follow((batch) => {
    for (const event of batch) recorder.changed(event, []);
  });
  await send('POST', POLICIES, TCP_POLICY);
  await sleep(150);
  assert.equal(warnings.length, 1);
});

test('Events are listed, selected, watched and shown as a Table, and not written', async () => {
  const { send, told } = await stages();
  await send('POST', POLICIES, TCP_POLICY);
  await told();
  await send('POST', GATEWAYS, gateway);
  await told();
  const url = '/api/v1/namespaces/httpbin/events';
  const list = (await send('GET', url)).json();
  assert.deepEqual([list.kind, list.apiVersion], ['EventList', 'v1']);
  const SELECTORS: readonly (readonly [string, number])[] = [
    ['involvedObject.name=httpbin-keepalive,involvedObject.kind=AgentgatewayPolicy', 4],
    ['involvedObject.namespace=httpbin,type=Warning', 1],
    ['reason=Attached', 1],
    ['reason!=Attached,involvedObject.kind=AgentgatewayPolicy', 3],
    [
      `involvedObject.uid=${list.items[0].involvedObject.uid},source=pulseplane,reportingComponent=pulseplane,reason=Accepted,involvedObject.kind=Gateway`,
      1,
    ],
    ['involvedObject.name=nobody', 0],
  ];
  for (const [selector, count] of SELECTORS) {
    const { items } = (await send('GET', `${url}?fieldSelector=${encodeURIComponent(selector)}`)).json();
    assert.equal(items.length, count, `${selector}: ${JSON.stringify(items)}`);
  }
  const wrong = await send('GET', `${url}?fieldSelector=message%3Dx`);
  assert.deepEqual([wrong.statusCode, wrong.json().message], [400, 'field label not supported: message']);
  const table = (await send('GET', url, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).json();
  assert.deepEqual(
    table.columnDefinitions
      .filter(({ priority }: { priority: number }) => priority === 0)
      .map(({ name }: { name: string }) => name),
    ['Last Seen', 'Type', 'Reason', 'Object', 'Message'],
  );
  const watched = await send('GET', `${url}?watch=true&timeoutSeconds=1&fieldSelector=reason%3DAttached`);
  const [line] = watched.body
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  assert.deepEqual([line.type, line.object.reason, line.object.count], ['ADDED', 'Attached', 1]);
  assert.equal((await send('POST', url, list.items[0])).statusCode, 405);
  assert.equal((await send('GET', `${url}/${list.items[0].metadata.name}`)).json().message, list.items[0].message);
});
