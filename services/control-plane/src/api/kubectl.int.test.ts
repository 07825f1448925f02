import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RESOURCE_KINDS } from '@pulseplane/resources';
import { VIEW_KINDS } from './cluster-view/kinds.ts';
import { REVIEW_KINDS } from './reviews/kinds.ts';
import { type ApiFixture, CLASS, CLASSES, createFixture } from './testing/api-fixture.ts';
import { noKubectl, RealKubectl, type Run } from './testing/real-kubectl.ts';
import { listen } from './testing/stream-client.ts';

const TCP_MANIFEST = `apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata:
  name: httpbin-keepalive
  namespace: httpbin
spec:
  targetRefs:
  - kind: Gateway
    name: agentgateway-proxy
    group: gateway.networking.k8s.io
  frontend:
    tcp:
      keepalive:
        retries: 3
        time: 30s
        interval: 5s
`;
const HTTP_MANIFEST = `${TCP_MANIFEST.slice(0, TCP_MANIFEST.indexOf('    tcp:'))}    http:
      http2KeepaliveInterval: 5s
      http2KeepaliveTimeout: 30s
`;
const NAME = 'agentgatewaypolicy.agentgateway.dev/httpbin-keepalive';
const INVALID = 'The AgentgatewayPolicy "httpbin-keepalive" is invalid: ';
const PATH = 'spec.frontend.tcp.keepalive';

describe('with the real kubectl', { skip: noKubectl }, () => {
  let fixture: ApiFixture;
  let client: RealKubectl;

  before(async () => {
    const conditions = [
      { type: 'Accepted', status: 'True' },
      { type: 'Attached', status: 'True' },
    ];
    fixture = await createFixture({
      now: () => new Date(),
      statusOf: ({ ref }) => (ref.kind === 'AgentgatewayPolicy' ? { ancestors: [{ conditions }] } : undefined),
    });
    await fixture.send('POST', CLASSES, CLASS);
    client = new RealKubectl(await listen(fixture.app));
  });

  after(async () => {
    await fixture.app.close();
    client.remove();
  });

  const kubectl = (command: string, input?: string): Promise<Run> => client.run(command, input);

  test('a mistake is refused with the field and the rule, and nothing is stored', async () => {
    const mistakes: readonly (readonly [from: string, to: string, stderr: string | RegExp])[] = [
      [
        'retries: 3',
        'retries: 0',
        `${INVALID}${PATH}.retries: Invalid value: 0: ${PATH}.retries in body should be greater than or equal to 1\n`,
      ],
      [
        'time: 30s',
        'time: 500ms',
        `${INVALID}${PATH}.time: Invalid value: "string": time must be at least 1 second, got 500ms\n`,
      ],
      ['time: 30s', 'time: 10h', /time must be at most 32767s/],
      [
        'interval: 5s',
        'interval: 1d',
        /interval in body should match .*\n\* .*type conversion error from 'string' to 'google\.protobuf\.Duration'/,
      ],
      [
        'retries: 3',
        'retries: "3"',
        /retries in body must be of type integer: "string"\n\* <nil>: Invalid value: "null": some validation rules were not checked/,
      ],
      [
        'kind: Gateway',
        'kind: HTTPRoute',
        `${INVALID}spec: Invalid value: "object": the 'frontend' field can only target a Gateway, not HTTPRoute\n`,
      ],
      ['tcp:', 'metrics:', `${INVALID}spec.frontend.metrics: Forbidden: not enforced by Pulseplane; remove it\n`],
      [
        'retries',
        'retrys',
        `Error from server (BadRequest): error when creating "STDIN": AgentgatewayPolicy in version "v1alpha1" cannot be handled as a AgentgatewayPolicy: strict decoding error: unknown field "${PATH}.retrys"\n`,
      ],
      [
        'namespace: httpbin',
        'namespace: nope',
        'Error from server (NotFound): error when creating "STDIN": namespaces "nope" not found\n',
      ],
      [
        'kind: AgentgatewayPolicy',
        'kind: AgentgatewayPolice',
        /no matches for kind "AgentgatewayPolice" in version "agentgateway\.dev\/v1alpha1"\nensure CRDs are installed first/,
      ],
    ];
    const head = fixture.log.head();
    for (const [from, to, expected] of mistakes) {
      const { code, stdout, stderr } = await kubectl('apply -f-', TCP_MANIFEST.replace(from, to));
      assert.equal(code, 1, to);
      assert.equal(stdout, '');
      if (typeof expected === 'string') assert.equal(stderr, expected);
      else assert.match(stderr, expected);
    }
    assert.equal(fixture.log.head(), head);
  });

  test('the tutorial: apply, apply again, change, get, delete', async () => {
    const applied = async (manifest: string) => (await kubectl('apply -f-', manifest)).stdout;
    assert.equal(await applied(TCP_MANIFEST), `${NAME} created\n`);
    assert.equal(await applied(TCP_MANIFEST), `${NAME} unchanged\n`);
    assert.equal(await applied(HTTP_MANIFEST), `${NAME} configured\n`);
    const table = (await kubectl('get agpol -A')).stdout;
    assert.match(table, /^NAMESPACE +NAME +ACCEPTED +ATTACHED +AGE\nhttpbin +httpbin-keepalive +True +True +\d+s\n$/);
    const yaml = (await kubectl('get agpol httpbin-keepalive -n httpbin -o yaml')).stdout;
    assert.match(yaml, /generation: 2\n/);
    assert.match(
      yaml,
      /spec:\n {2}frontend:\n {4}http:\n {6}http2KeepaliveInterval: 5s\n {6}http2KeepaliveTimeout: 30s\n {2}targetRefs:/,
    );
    assert.match(yaml, /status:\n {2}ancestors:\n/);
    const deleted = await kubectl('delete AgentgatewayPolicy httpbin-keepalive -n httpbin');
    assert.deepEqual(deleted, {
      code: 0,
      stdout: 'agentgatewaypolicy.agentgateway.dev "httpbin-keepalive" deleted\n',
      stderr: '',
    });
    assert.equal((await kubectl('get agpol -A')).stderr, 'No resources found\n');
  });

  test('edits by other commands', async () => {
    await kubectl('apply -f-', TCP_MANIFEST);
    const patch = '{"spec":{"frontend":{"tcp":{"keepalive":{"retries":5}}}}}';
    const policy = 'agpol httpbin-keepalive -n httpbin';
    assert.equal((await kubectl(`patch ${policy} --type merge -p ${patch}`)).stdout, `${NAME} patched\n`);
    assert.equal((await kubectl(`patch ${policy} --type merge -p ${patch}`)).stdout, `${NAME} patched (no change)\n`);
    assert.match((await kubectl(`patch ${policy} -p ${patch}`)).stderr, /strategic-merge-patch\+json is not supported/);
    assert.equal((await kubectl(`label ${policy} team=edge`)).stdout, `${NAME} labeled\n`);
    assert.match((await kubectl('get agpol -A -l team=edge --show-labels')).stdout, /team=edge/);
    assert.equal((await kubectl('get agpol -A -l team=core')).stderr, 'No resources found\n');
    assert.equal((await kubectl('replace -f-', TCP_MANIFEST)).stdout, `${NAME} replaced\n`);
    assert.match((await kubectl('diff -f-', HTTP_MANIFEST)).stdout, /\+ {6}http2KeepaliveInterval: 5s/);
    assert.equal((await kubectl('apply --server-side -f-', TCP_MANIFEST)).stdout, `${NAME} serverside-applied\n`);
    assert.equal((await kubectl(`delete ${policy}`)).code, 0);
  });

  test('a setting that does nothing is stored with a warning', async () => {
    const manifest = HTTP_MANIFEST.replace(/\n +http2KeepaliveInterval: .*/, '').replace('httpbin-keepalive', 'inert');
    const { stdout, stderr } = await kubectl('apply -f-', manifest);
    assert.equal(stdout, 'agentgatewaypolicy.agentgateway.dev/inert created\n');
    assert.match(stderr, /^Warning: spec\.frontend\.http\.http2KeepaliveTimeout: has no effect without/);
    await kubectl('delete -f-', manifest);
  });

  test('a keepalive that is too slow for the load balancer is stored with a warning that has the numbers', async () => {
    const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: agentgateway-proxy
  namespace: httpbin
  annotations: {pulseplane.dev/environment: aws-nlb}
spec:
  gatewayClassName: agentgateway
  listeners: [{name: tcp, protocol: TCP, port: 3001}]
`;
    const slow = TCP_MANIFEST.replace('time: 30s', 'time: 350s');
    const { stderr } = await kubectl('apply -f-', `${gateway}---\n${slow}`);
    assert.deepEqual(stderr.split('\n'), [
      'Warning: spec.listeners[0]: nothing keeps silent connections of port 3001 open: aws-nlb drops them after 350s (lint nat, https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html)',
      `Warning: ${PATH}.time: the first probe comes after 350s, not within 280s: aws-nlb drops silent connections after 350s (lint nat, https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html)`,
      '',
    ]);
    const acknowledged = slow.replace(
      '  namespace',
      '  annotations: {pulseplane.dev/lint-acknowledge: nat}\n  namespace',
    );
    assert.deepEqual(await kubectl('apply -f-', acknowledged), { code: 0, stdout: `${NAME} configured\n`, stderr: '' });
    const report = JSON.parse((await kubectl('get --raw /v1/lint?rule=nat')).stdout);
    assert.deepEqual(
      report.items.map(({ object, acknowledged }: { object: { name: string }; acknowledged: boolean }) => [
        object.name,
        acknowledged,
      ]),
      [['httpbin-keepalive', true]],
    );
    await kubectl('delete -f-', `${gateway}---\n${slow}`);
  });

  test('explain and api-resources know every kind', async () => {
    const explained = (await kubectl('explain agpol.spec.frontend.tcp.keepalive.time')).stdout;
    assert.match(explained, /KIND: +AgentgatewayPolicy\n/);
    assert.match(explained, /How long a connection must be idle before the first probe/);
    assert.match((await kubectl('explain agpol.spec.nope')).stderr, /field "nope" does not exist/);
    const kinds = [...RESOURCE_KINDS, ...VIEW_KINDS, ...REVIEW_KINDS];
    for (const kind of kinds.map(({ plural }) => plural)) {
      assert.equal((await kubectl(`explain ${kind} --recursive`)).code, 0, kind);
    }
    const { stdout } = await kubectl('api-resources --no-headers');
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/).at(-1))
        .sort(),
      kinds.map(({ kind }) => kind).sort(),
    );
  });

  test('namespaces: create, apply, delete with what is in it', async () => {
    assert.equal((await kubectl('create namespace demo')).stdout, 'namespace/demo created\n');
    assert.equal(
      (await kubectl('apply -f-', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: demo, labels: {a: b}}')).code,
      0,
    );
    assert.match(
      (await kubectl('get ns demo --show-labels')).stdout,
      /demo +Active +\d+s +a=b,kubernetes\.io\/metadata\.name=demo/,
    );
    await kubectl('apply -f-', TCP_MANIFEST.replace('namespace: httpbin', 'namespace: demo'));
    assert.equal((await kubectl('delete ns demo')).stdout, 'namespace "demo" deleted\n');
    assert.equal((await kubectl('get agpol -A')).stderr, 'No resources found\n');
    assert.match(
      (await kubectl('delete ns default')).stderr,
      /namespaces "default" is forbidden: this namespace may not be deleted/,
    );
  });
});
