import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type ApiFixture, createFixture } from './testing/api-fixture.ts';
import { noKubectl, RealKubectl, type Run } from './testing/real-kubectl.ts';
import { listen } from './testing/stream-client.ts';

const NAME = 'agentgatewaypolicy.agentgateway.dev/p';
const USING = 'using agentgateway.dev/v1alpha1';

type Entry = { readonly manager: string; readonly operation: string; readonly fieldsV1: object };

describe('server-side apply with the real kubectl', { skip: noKubectl }, () => {
  let fixture: ApiFixture;
  let client: RealKubectl;

  before(async () => {
    fixture = await createFixture({ now: () => new Date() });
    client = new RealKubectl(await listen(fixture.app));
  });

  after(async () => {
    await fixture.app.close();
    client.remove();
  });

  const kubectl = (command: string, input?: string): Promise<Run> => client.run(`-n httpbin ${command}`, input);

  async function owners(): Promise<readonly Entry[]> {
    const { stdout } = await kubectl('get agpol p -o json --show-managed-fields');
    const { metadata } = JSON.parse(stdout) as { readonly metadata: { readonly managedFields?: readonly Entry[] } };
    return metadata.managedFields ?? [];
  }

  const names = async () => (await owners()).map(({ manager, operation }) => `${manager} ${operation}`);
  const frontend = async () =>
    JSON.parse((await kubectl('get agpol p -o jsonpath={.spec.frontend}')).stdout) as unknown;

  test('creates, changes, says nothing when nothing changes, and takes back what is no longer said', async () => {
    const first = await kubectl(
      'apply --server-side -f -',
      policy({ tcp: { keepalive: { time: '30s', retries: 3 } } }),
    );
    assert.deepEqual(first, { code: 0, stdout: `${NAME} serverside-applied\n`, stderr: '' });
    const [entry] = await owners();
    assert.deepEqual(entry?.fieldsV1, {
      'f:spec': {
        'f:frontend': { 'f:tcp': { 'f:keepalive': { 'f:retries': {}, 'f:time': {} } } },
        'f:targetRefs': {},
      },
    });
    const version = 'get agpol p -o jsonpath={.metadata.resourceVersion}';
    const before = (await kubectl(version)).stdout;
    await kubectl('apply --server-side -f -', policy({ tcp: { keepalive: { time: '30s', retries: 3 } } }));
    assert.equal((await kubectl(version)).stdout, before);
    await kubectl('apply --server-side -f -', policy({ tcp: { keepalive: { time: '40s' } } }));
    assert.deepEqual(await frontend(), { tcp: { keepalive: { time: '40s' } } });
  });

  test('a conflict names the field and its owner; --force-conflicts takes it', async () => {
    assert.equal(
      (await kubectl('patch agpol p --type merge -p {"spec":{"frontend":{"tcp":{"keepalive":{"time":"50s"}}}}}')).code,
      0,
    );
    assert.deepEqual(await names(), ['kubectl Apply', 'kubectl-patch Update']);
    const wanted = policy({ tcp: { keepalive: { time: '60s' } } });
    const { code, stderr } = await kubectl('apply --server-side -f -', wanted);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(
        `Apply failed with 1 conflict: conflict with "kubectl-patch" ${USING}: .spec.frontend.tcp.keepalive.time`,
      ),
    );
    assert.match(stderr, /--force-conflicts/);
    const dry = await kubectl('apply --server-side --force-conflicts --dry-run=server -f -', wanted);
    assert.equal(dry.stdout, `${NAME} serverside-applied (server dry run)\n`);
    assert.deepEqual(await frontend(), { tcp: { keepalive: { time: '50s' } } });
    assert.equal((await kubectl('apply --server-side --force-conflicts -f -', wanted)).code, 0);
    assert.deepEqual(await names(), ['kubectl Apply']);
    assert.deepEqual(await frontend(), { tcp: { keepalive: { time: '60s' } } });
  });

  test('what others add stays; what two apply stays until both give it up', async () => {
    await kubectl('label agpol p team=x');
    const both = policy({ tcp: { keepalive: { time: '60s' } } });
    assert.equal((await kubectl('apply --server-side --field-manager=gitops -f -', both)).code, 0);
    assert.deepEqual(await names(), ['gitops Apply', 'kubectl Apply', 'kubectl-label Update']);
    const without = policy({ http: { http2KeepaliveInterval: '5s' } });
    await kubectl('apply --server-side -f -', without);
    assert.deepEqual(await frontend(), { http: { http2KeepaliveInterval: '5s' }, tcp: { keepalive: { time: '60s' } } });
    await kubectl('apply --server-side --field-manager=gitops -f -', without);
    assert.deepEqual(await frontend(), { http: { http2KeepaliveInterval: '5s' } });
    assert.equal((await kubectl('get agpol p -o jsonpath={.metadata.labels.team}')).stdout, 'x');
  });

  test('diff --server-side shows what would change', async () => {
    const wanted = policy({ http: { http2KeepaliveInterval: '6s' } });
    const { code, stdout, stderr } = await kubectl('diff --server-side --force-conflicts -f -', wanted);
    assert.deepEqual([code, stderr], [1, '']);
    assert.match(stdout, /^-\s+http2KeepaliveInterval: 5s\n\+\s+http2KeepaliveInterval: 6s$/m);
  });

  test('from client-side to server-side apply, and back', async () => {
    await kubectl('delete agpol p');
    const tcp = policy({ tcp: { keepalive: { time: '30s' } }, http: { http2KeepaliveInterval: '5s' } });
    assert.equal((await kubectl('apply -f -', tcp)).code, 0);
    assert.deepEqual(await names(), ['kubectl-client-side-apply Update']);
    const moved = await kubectl('apply --server-side -f -', policy({ http: { http2KeepaliveInterval: '7s' } }));
    assert.deepEqual(moved, { code: 0, stdout: `${NAME} serverside-applied\n`, stderr: '' });
    assert.deepEqual(await frontend(), { http: { http2KeepaliveInterval: '7s' } });
    assert.ok(!(await names()).includes('kubectl-client-side-apply Update'));
    const back = await kubectl('apply -f -', policy({ tcp: { keepalive: { time: '9s' } } }));
    assert.equal(back.stdout, `${NAME} configured\n`);
    assert.deepEqual(await frontend(), { tcp: { keepalive: { time: '9s' } } });
  });

  test('a field that the schema does not know, and a wrong type, are refused with the field', async () => {
    const unknown = await kubectl('apply --server-side -f -', policy({ tcp: { keepalive: { tme: '30s' } } }));
    const said = 'failed to create typed patch object (httpbin/p; agentgateway.dev/v1alpha1, Kind=AgentgatewayPolicy)';
    assert.ok(
      unknown.stderr.includes(`${said}: .spec.frontend.tcp.keepalive.tme: field not declared in schema`),
      unknown.stderr,
    );
    const invalid = await kubectl(
      'apply --server-side --force-conflicts -f -',
      policy({ tcp: { keepalive: { retries: 0 } } }),
    );
    assert.match(invalid.stderr, /is invalid: spec.frontend.tcp.keepalive.retries: Invalid value: 0/);
  });
});

/** A manifest without spaces in its values: kubectl's arguments are split at them. */
function policy(frontend: object): string {
  return JSON.stringify({
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayPolicy',
    metadata: { name: 'p', namespace: 'httpbin' },
    spec: {
      targetRefs: [{ kind: 'Gateway', name: 'g', group: 'gateway.networking.k8s.io' }],
      frontend,
    },
  });
}
