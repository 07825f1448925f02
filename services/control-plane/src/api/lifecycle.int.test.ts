import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AGENTGATEWAY_POLICY } from '@pulseplane/resources';
import { refOf } from '../command/index.ts';
import { RecordedEvents } from './recorded-events/recorded-events.ts';
import { type ApiFixture, createFixture, POLICIES, TCP_POLICY } from './testing/api-fixture.ts';
import { noKubectl, RealKubectl, type Run } from './testing/real-kubectl.ts';
import { listen } from './testing/stream-client.ts';

const HOLD = 'example.com/hold';
const NAME = 'agentgatewaypolicy.agentgateway.dev "httpbin-keepalive" deleted';

describe('the life of an object with the real kubectl', { skip: noKubectl }, () => {
  let fixture: ApiFixture;
  let events: RecordedEvents;
  let client: RealKubectl;

  before(async () => {
    events = new RecordedEvents(() => new Date());
    fixture = await createFixture({
      recordedEvents: events,
      now: () => new Date(),
      statusOf: ({ ref, object }) =>
        ref.kind === 'Namespace' && object.metadata.deletionTimestamp !== undefined
          ? { phase: 'Terminating' }
          : undefined,
    });
    client = new RealKubectl(await listen(fixture.app));
  });
  after(async () => {
    await fixture.app.close();
    client.remove();
  });

  const kubectl = (command: string, input?: string): Promise<Run> => client.run(command, input);

  const held = { ...TCP_POLICY, metadata: { ...TCP_POLICY.metadata, finalizers: [HOLD] } };
  const create = () => fixture.send('POST', POLICIES, held);

  test('a deletion waits for the finalizers, and ends with the last of them', async () => {
    await create();
    const impatient = await kubectl('delete agpol httpbin-keepalive -n httpbin --timeout=1s');
    assert.equal(impatient.code, 1);
    assert.match(impatient.stdout, new RegExp(NAME));
    assert.match(impatient.stderr, /timed out waiting for the condition/);
    assert.match((await kubectl('get agpol -n httpbin')).stdout, /httpbin-keepalive/);
    const described = await kubectl('describe agpol httpbin-keepalive -n httpbin');
    assert.match(described.stdout, /Deletion Timestamp:/);
    assert.match(described.stdout, /Finalizers:\n {4}example\.com\/hold\n/);

    const added = await kubectl(
      'patch agpol httpbin-keepalive -n httpbin --type=merge -p {"metadata":{"finalizers":["a.b/c"]}}',
    );
    assert.equal(added.code, 1);
    assert.match(added.stderr, /metadata\.finalizers: Forbidden: no new finalizers can be added/);

    // It may come when the object is gone already.
    const waiting = kubectl('delete agpol httpbin-keepalive -n httpbin --ignore-not-found --wait=true --timeout=20s');
    const released = await kubectl(
      'patch agpol httpbin-keepalive -n httpbin --type=merge -p {"metadata":{"finalizers":null}}',
    );
    assert.equal(released.code, 0, released.stderr);
    assert.equal((await waiting).code, 0);
    assert.match((await kubectl('get agpol httpbin-keepalive -n httpbin')).stderr, /NotFound/);
  });

  for (const cascade of ['background', 'foreground', 'orphan']) {
    test(`delete --cascade=${cascade} deletes`, async () => {
      await fixture.send('POST', POLICIES, TCP_POLICY);
      const deleted = await kubectl(`delete agpol httpbin-keepalive -n httpbin --cascade=${cascade} --timeout=20s`);
      assert.deepEqual([deleted.code, deleted.stderr], [0, '']);
    });
  }

  test('an apply to an object on its way out is warned of', async () => {
    await create();
    await kubectl('delete agpol httpbin-keepalive -n httpbin --wait=false');
    const changed = { ...held, metadata: { ...held.metadata, labels: { a: 'b' } } };
    const applied = await kubectl('apply -f-', JSON.stringify(changed));
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stderr, /Detected changes to resource httpbin-keepalive which is currently being deleted/);
    await kubectl(
      'patch agpol httpbin-keepalive -n httpbin --type=json -p [{"op":"remove","path":"/metadata/finalizers"}]',
    );
    assert.match((await kubectl('get agpol httpbin-keepalive -n httpbin')).stderr, /NotFound/);
  });

  test('a status is read and written as a subresource, and stays derived', async () => {
    await fixture.send('POST', POLICIES, TCP_POLICY);
    const read = await kubectl('get agpol httpbin-keepalive -n httpbin --subresource=status -o name');
    assert.deepEqual([read.code, read.stderr], [0, '']);
    const patched = await kubectl(
      'patch agpol httpbin-keepalive -n httpbin --subresource=status --type=merge -p {"status":{"conditions":[]}}',
    );
    assert.equal(patched.code, 0, patched.stderr);
    assert.match(patched.stdout, /httpbin-keepalive patched \(no change\)/);
    assert.match(patched.stderr, /Warning: the status is derived here/);
    const object = (await kubectl('get agpol httpbin-keepalive -n httpbin -o json')).stdout;
    const replaced = await kubectl('replace --subresource=status -f-', object);
    assert.equal(replaced.code, 0, replaced.stderr);
    await fixture.send('DELETE', `${POLICIES}/httpbin-keepalive`);
  });

  test('Events are described, listed and asked for by object', async () => {
    await fixture.send('POST', POLICIES, TCP_POLICY);
    const stored = fixture.log.object(refOf(AGENTGATEWAY_POLICY, 'httpbin', 'httpbin-keepalive'));
    assert.ok(stored !== undefined);
    const notice = { type: 'Warning', reason: 'Rejected', message: 'Rejected by w1: no such thing' } as const;
    events.record(stored, notice);
    events.record(stored, notice);
    const described = await kubectl('describe agpol httpbin-keepalive -n httpbin');
    assert.match(described.stdout, /Events:\n +Type +Reason +Age +From +Message\n/);
    assert.match(
      described.stdout,
      /Warning +Rejected +\S+ \(x2 over \S+\) +pulseplane +Rejected by w1: no such thing\n/,
    );
    const listed = await kubectl('get events -n httpbin');
    assert.match(listed.stdout, /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/);
    assert.match(
      listed.stdout,
      /Warning +Rejected +agentgatewaypolicy\/httpbin-keepalive +Rejected by w1: no such thing\n/,
    );
    const ofPolicy = await kubectl('events --for agpol/httpbin-keepalive -n httpbin');
    assert.match(ofPolicy.stdout, /Rejected +AgentgatewayPolicy\/httpbin-keepalive +Rejected by w1/);
    assert.match((await kubectl('events --for agpol/other -n httpbin')).stderr, /No events found/);
    const selected = await kubectl('get events -A --field-selector reason=Rejected,type=Warning -o name');
    assert.match(selected.stdout, /^event\/httpbin-keepalive\.[0-9a-f]{16}\n$/);
    await fixture.send('DELETE', `${POLICIES}/httpbin-keepalive`);
  });

  test('a namespace is Terminating while something in it is held', async () => {
    await create();
    await kubectl('delete namespace httpbin --wait=false');
    assert.match((await kubectl('get namespace httpbin')).stdout, /httpbin +Terminating/);
    const refused = await kubectl(
      'create -f-',
      JSON.stringify({ ...TCP_POLICY, metadata: { name: 'b', namespace: 'httpbin' } }),
    );
    assert.match(refused.stderr, /\(Forbidden\).* because it is being terminated/);
    await kubectl('patch agpol httpbin-keepalive -n httpbin --type=merge -p {"metadata":{"finalizers":[]}}');
    assert.match((await kubectl('get namespace httpbin')).stderr, /NotFound/);
  });
});
