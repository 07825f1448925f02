import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  VersionApi,
  Watch,
} from '@kubernetes/client-node';
import { compactLogFile } from '@pulseplane/event-log';
import { type ControlPlaneProcess, spawnControlPlane } from '../system/control-plane-process.ts';
import { eventually, freePorts, startSystem } from '../system/running-system.ts';

/** How a user of the Kubernetes client library for JavaScript sees the control plane. */
const POLICIES = {
  group: 'agentgateway.dev',
  version: 'v1alpha1',
  namespace: 'default',
  plural: 'agentgatewaypolicies',
} as const;
const EVERYWHERE = '/apis/agentgateway.dev/v1alpha1/agentgatewaypolicies';

type Policy = KubernetesObject & { readonly spec: { readonly frontend: { readonly tcp: object } } };

function policy(name: string, retries = 3): Policy {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name, namespace: 'default' },
    spec: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'agentgateway-proxy' }],
      frontend: { tcp: { keepalive: { retries, time: '30s', interval: '5s' } } },
    },
  } as Policy;
}

/** A control plane that can be killed and started again on the same log, at the same address or another. */
class Restartable {
  readonly #dataDir = mkdtempSync(join(tmpdir(), 'pulseplane-client-'));
  readonly #ports: { readonly rest: number; readonly xds: number };
  readonly #elsewhere: { readonly rest: number; readonly xds: number };
  #process: ControlPlaneProcess | undefined;

  constructor(ports: Awaited<ReturnType<typeof freePorts>>) {
    this.#ports = { rest: ports.rest, xds: ports.xds };
    this.#elsewhere = { rest: ports.http, xds: ports.tcp };
  }

  async start(): Promise<KubeConfig> {
    return this.#startOn(this.#ports);
  }

  /** Where nobody who knows the usual address sees it. */
  async startElsewhere(): Promise<KubeConfig> {
    return this.#startOn(this.#elsewhere);
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Drops all versions but the newest, and what is deleted. */
  compact(): void {
    const { dropped } = compactLogFile(join(this.#dataDir, 'events.db'), { keepVersions: 1 }, 'test');
    assert.ok(dropped > 0);
  }

  remove(): void {
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #startOn(ports: { readonly rest: number; readonly xds: number }): Promise<KubeConfig> {
    this.#process = spawnControlPlane({ dataDir: this.#dataDir, ports });
    await this.#process.ready();
    return configOf(ports.rest);
  }
}

function configOf(port: number): KubeConfig {
  const config = new KubeConfig();
  // Without skipTLSVerify the library takes no http.
  const cluster = { name: 'pulseplane', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
  config.loadFromClusterAndUser(cluster, { name: 'anybody' });
  return config;
}

async function restartable(context: TestContext): Promise<Restartable> {
  const plane = new Restartable(await freePorts());
  context.after(async () => {
    await plane.kill();
    plane.remove();
  });
  return plane;
}

function codeOf(code: number): (error: unknown) => boolean {
  return (error) => error instanceof ApiException && error.code === code;
}

test('typed, custom and dynamic clients create, read, change and delete', async (context) => {
  const plane = await restartable(context);
  const config = await plane.start();
  assert.match((await config.makeApiClient(VersionApi).getCode()).gitVersion, /^v1\./);

  const core = config.makeApiClient(CoreV1Api);
  const created = await core.createNamespace({ body: { metadata: { name: 'team', labels: { a: 'b' } } } });
  assert.equal(created.status?.phase, 'Active');
  assert.ok(created.metadata?.creationTimestamp instanceof Date);
  const namespaces = await core.listNamespace({ labelSelector: 'a=b' });
  assert.deepEqual(
    namespaces.items.map(({ metadata }) => metadata?.name),
    ['team'],
  );
  await core.deleteNamespace({ name: 'team' });
  await assert.rejects(core.readNamespace({ name: 'team' }), codeOf(404));

  const custom = config.makeApiClient(CustomObjectsApi);
  const first = (await custom.createNamespacedCustomObject({ ...POLICIES, body: policy('one') })) as Policy;
  await assert.rejects(custom.createNamespacedCustomObject({ ...POLICIES, body: policy('one') }), codeOf(409));
  await assert.rejects(
    custom.createNamespacedCustomObject({ ...POLICIES, body: policy('bad', 0) }),
    (error) => codeOf(422)(error) && /retries/.test((error as ApiException<string>).body),
  );
  const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
  const body = { spec: { frontend: { tcp: { keepalive: { retries: 5 } } } } };
  const patched = (await custom.patchNamespacedCustomObject({ ...POLICIES, name: 'one', body }, merge)) as Policy;
  assert.notEqual(patched.metadata?.resourceVersion, first.metadata?.resourceVersion);
  const stale = custom.replaceNamespacedCustomObject({ ...POLICIES, name: 'one', body: first });
  await assert.rejects(stale, codeOf(409));
  await custom.replaceNamespacedCustomObject({ ...POLICIES, name: 'one', body: patched });
  const steps = [{ op: 'replace', path: '/spec/frontend/tcp/keepalive/retries', value: 7 }];
  await custom.patchNamespacedCustomObject({ ...POLICIES, name: 'one', body: steps });
  const page = (await custom.listNamespacedCustomObject({ ...POLICIES, limit: 1 })) as KubernetesListObject<Policy>;
  assert.match(JSON.stringify(page.items[0]?.spec), /"retries":7/);
  await custom.deleteNamespacedCustomObject({ ...POLICIES, name: 'one' });
  await assert.rejects(custom.getNamespacedCustomObject({ ...POLICIES, name: 'one' }), codeOf(404));

  const dynamic = KubernetesObjectApi.makeApiClient(config);
  await dynamic.create(policy('two'));
  const applied = await dynamic.patch(
    policy('two', 9),
    undefined,
    undefined,
    'library',
    true,
    PatchStrategy.ServerSideApply,
  );
  assert.match(JSON.stringify(applied.metadata?.managedFields), /"manager":"library","operation":"Apply"/);
  const { spec } = await dynamic.read<Policy & { metadata: { name: string } }>({
    ...policy('two'),
    metadata: { name: 'two', namespace: 'default' },
  });
  assert.match(JSON.stringify(spec), /"retries":9/);
  const listed = await dynamic.list('agentgateway.dev/v1alpha1', 'AgentgatewayPolicy', 'default');
  assert.deepEqual(
    listed.items.map(({ metadata }) => metadata?.name),
    ['two'],
  );
  await dynamic.delete(policy('two'));
  await assert.rejects(
    dynamic.read({ ...policy('two'), metadata: { name: 'two', namespace: 'default' } }),
    codeOf(404),
  );
});

test('an informer goes on through kill -9: every event once, in order, and no second list', async (context) => {
  const plane = await restartable(context);
  const config = await plane.start();
  const { informer, seen, lists } = await follow(context, config);
  const custom = config.makeApiClient(CustomObjectsApi);
  let isOver = false;
  const writing = (async () => {
    for (let round = 0; !isOver; round++) {
      const name = `p${round % 5}`;
      // While nobody is there, or an earlier try was stored without an answer, the next write is the next try.
      await custom
        .createNamespacedCustomObject({ ...POLICIES, body: policy(name, 1 + (round % 60)) })
        .catch(() => sleep(5));
      const body = [{ op: 'replace', path: '/spec/frontend/tcp/keepalive/retries', value: 1 + ((round * 7) % 60) }];
      await custom.patchNamespacedCustomObject({ ...POLICIES, name, body }).catch(() => sleep(5));
      if (round % 3 === 0) await custom.deleteNamespacedCustomObject({ ...POLICIES, name }).catch(() => sleep(5));
    }
  })();
  for (let round = 0; round < 3; round++) {
    const before = seen.length;
    await eventually(() => assert.ok(seen.length > before + 20, `${seen.length} events seen`), 30_000);
    await plane.kill();
    await plane.start();
  }
  isOver = true;
  await writing;
  const expected = await eventsOf(config);
  await eventually(() => assert.equal(seen.length, expected.length), 30_000);
  assert.deepEqual(seen, expected);
  assert.equal(lists(), 1);
  const { items } = (await custom.listNamespacedCustomObject(POLICIES)) as KubernetesListObject<Policy>;
  assert.deepEqual(versions(informer.list()), versions(items));
});

test('an informer whose version is compacted away lists anew, and hears of all that it missed', async (context) => {
  const plane = await restartable(context);
  const config = await plane.start();
  const custom = config.makeApiClient(CustomObjectsApi);
  for (const name of ['goes', 'stays', 'changes']) {
    await custom.createNamespacedCustomObject({ ...POLICIES, body: policy(name) });
  }
  const { informer, seen, lists } = await follow(context, config);
  await eventually(() => assert.equal(seen.length, 3));
  await plane.kill();

  const elsewhere = (await plane.startElsewhere()).makeApiClient(CustomObjectsApi);
  await elsewhere.deleteNamespacedCustomObject({ ...POLICIES, name: 'goes' });
  const body = [{ op: 'replace', path: '/spec/frontend/tcp/keepalive/retries', value: 9 }];
  for (const value of [4, 5]) {
    await elsewhere.patchNamespacedCustomObject({ ...POLICIES, name: 'changes', body: [{ ...body[0], value }] });
  }
  await elsewhere.createNamespacedCustomObject({ ...POLICIES, body: policy('comes') });
  await plane.kill();
  plane.compact();

  await plane.start();
  await eventually(() => assert.equal(lists(), 2), 30_000);
  const { items } = (await custom.listNamespacedCustomObject(POLICIES)) as KubernetesListObject<Policy>;
  await eventually(() => assert.deepEqual(versions(informer.list()), versions(items)));
  const told = seen.slice(3).map((line) => line.replace(/@.*/, ''));
  assert.deepEqual(told.sort(), ['add comes', 'delete goes', 'update changes']);
});

test('a watch tells the end of what was there with a bookmark', async (context) => {
  const plane = await restartable(context);
  const config = await plane.start();
  await config.makeApiClient(CustomObjectsApi).createNamespacedCustomObject({ ...POLICIES, body: policy('one') });
  const phases: string[] = [];
  const query = { allowWatchBookmarks: true, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' };
  const heard = (phase: string, object: KubernetesObject): void => {
    phases.push(`${phase} ${object.metadata?.name ?? JSON.stringify(object.metadata?.annotations)}`);
  };
  const abort = await new Watch(config).watch(EVERYWHERE, query, heard, () => undefined);
  await eventually(() => assert.deepEqual(phases, ['ADDED one', 'BOOKMARK {"k8s.io/initial-events-end":"true"}']));
  abort.abort();
});

test('the library reads workers as Pods of a Deployment, and their logs', async () => {
  await using system = await startSystem();
  const config = new KubeConfig();
  config.loadFromFile(system.kubeconfig);
  const namespace = 'agentgateway-system';
  const pod = await eventually(async () => {
    const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
    const [ready] = items.filter(({ status }) => status?.containerStatuses?.every((container) => container.ready));
    assert.ok(ready?.metadata?.name !== undefined, 'no Pod is ready');
    return ready.metadata.name;
  }, 30_000);
  const deployment = await config
    .makeApiClient(AppsV1Api)
    .readNamespacedDeployment({ name: 'agentgateway-proxy', namespace });
  assert.equal(deployment.status?.readyReplicas, 1);
  let text = '';
  const out = new PassThrough().setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await new Log(config).log(namespace, pod, 'agentgateway', out, { tailLines: 2 });
  await eventually(() => assert.equal(text.trimEnd().split('\n').length, 2));
});

test("the library's port-forward reaches the admin port of a worker", async () => {
  await using system = await startSystem();
  const config = new KubeConfig();
  config.loadFromFile(system.kubeconfig);
  const namespace = 'agentgateway-system';
  const name = await eventually(async () => {
    const { items } = await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace });
    assert.ok(items[0]?.metadata?.name !== undefined, 'there is no Pod');
    return items[0].metadata.name;
  }, 30_000);
  const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const websocket = await new PortForward(config).portForward(namespace, name, [15_000], output, errors, input);
  let text = '';
  output.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  input.write('GET /config_dump HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await eventually(() => assert.match(text, /^HTTP\/1\.1 200 OK\r\n.*"binds"/s));
  if (typeof websocket !== 'function') websocket.close();
});

/** An informer of all policies as the library's documentation has it: after an error it is started again. */
async function follow(context: TestContext, config: KubeConfig) {
  let lists = 0;
  const custom = config.makeApiClient(CustomObjectsApi);
  const list = async (): Promise<KubernetesListObject<Policy>> => {
    const { group, version, plural } = POLICIES;
    const found = (await custom.listCustomObjectForAllNamespaces({
      group,
      version,
      plural,
    })) as KubernetesListObject<Policy>;
    lists += 1;
    return found;
  };
  const informer = makeInformer(config, EVERYWHERE, list);
  const seen: string[] = [];
  for (const verb of ['add', 'update', 'delete'] as const) {
    informer.on(verb, ({ metadata }) => seen.push(`${verb} ${metadata?.name}@${metadata?.resourceVersion}`));
  }
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  informer.on('error', () => {
    // One that is just being started says so after it was stopped, too.
    if (!isOver) timer = setTimeout(() => void informer.start(), 50);
  });
  context.after(async () => {
    isOver = true;
    clearTimeout(timer);
    await informer.stop();
  });
  await informer.start();
  return { informer, seen, lists: () => lists };
}

/** What the log says of policies, in the words of an informer. */
async function eventsOf(config: KubeConfig): Promise<readonly string[]> {
  const verbs: { readonly [type: string]: string } = { Created: 'add', Deleted: 'delete' };
  const abort = new AbortController();
  const server = config.getCurrentCluster()?.server ?? '';
  const head = await headOf(server);
  const response = await fetch(`${server}/v1/events?from=1`, { signal: abort.signal });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes(`id: ${head}\n`) && text.endsWith('\n\n')) break;
  }
  abort.abort();
  return [...text.matchAll(/^data: (.*)$/gm)].flatMap(([, data = '']) => {
    const { type, seq, subject } = JSON.parse(data) as {
      readonly type: string;
      readonly seq: number;
      readonly subject: { readonly kind: string; readonly name: string };
    };
    if (subject.kind !== 'AgentgatewayPolicy') return [];
    return [`${verbs[type] ?? 'update'} ${subject.name}@${seq}`];
  });
}

async function headOf(server: string): Promise<string> {
  const list = (await (
    await fetch(`${server}/api/v1/namespaces?limit=1`)
  ).json()) as KubernetesListObject<KubernetesObject>;
  return list.metadata?.resourceVersion ?? '';
}

function versions(items: readonly KubernetesObject[]): readonly string[] {
  return items.map(({ metadata }) => `${metadata?.name}@${metadata?.resourceVersion}`).sort();
}
