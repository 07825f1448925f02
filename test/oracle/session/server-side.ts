import { type Part, request, shell } from '../step.ts';
import { gateway, keepalive, policiesPath, policy } from './manifests.ts';

const NAMESPACE = 'oracle-server-side';
const FULL = { retries: 3, time: '30s', interval: '5s' };
const APPLY_TYPE = 'application/apply-patch+yaml';
const path = (name: string): string => `${policiesPath(NAMESPACE)}/${name}`;
const owners = (name: string): string => `kubectl get agpol ${name} -o yaml --show-managed-fields`;

/** Server-side apply: owners, conflicts, migration. */
export const SERVER_SIDE: Part = {
  name: 'server-side',
  namespace: NAMESPACE,
  steps: [
    shell(`kubectl create namespace ${NAMESPACE}`),
    shell('kubectl apply --server-side -f -', policy('one'), 'apply a new policy'),
    shell('kubectl apply --server-side -f -', policy('one'), 'apply it again'),
    shell(owners('one'), '', 'owners after an apply'),
    shell(
      'kubectl apply --server-side --field-manager=other -f -',
      keepalive('one', { ...FULL, retries: 4 }),
      'a conflict with another manager',
    ),
    shell(
      'kubectl apply --server-side --field-manager=other -f -',
      keepalive('one', { ...FULL, retries: 4, time: '31s' }),
      'two conflicts',
    ),
    shell('kubectl apply --server-side --field-manager=other -f -', keepalive('one', FULL), 'the same from another'),
    shell(owners('one'), '', 'owners together'),
    shell(
      'kubectl apply --server-side --field-manager=other --force-conflicts -f -',
      keepalive('one', { ...FULL, retries: 5 }),
      'force a conflict',
    ),
    shell(owners('one'), '', 'owners after force'),
    shell('kubectl apply --server-side -f -', keepalive('one', { time: '30s' }), 'let fields go'),
    shell(owners('one'), '', 'owners after fields were let go'),
    shell('kubectl apply --server-side --dry-run=server -f - -o yaml', keepalive('one', { time: '33s' }), 'dry run'),
    shell('kubectl apply --server-side --dry-run=server -f -', policy('new'), 'dry run of a new policy'),
    shell('kubectl apply --server-side --dry-run=client -f -', policy('new'), 'dry run of the client'),
    shell('kubectl apply --server-side -f -', keepalive('one', { retrys: 3 }), 'an unknown field'),
    shell('kubectl apply --server-side -f -', keepalive('one', { retries: 'x' }), 'a value of a wrong type'),
    shell('kubectl apply --server-side -f -', keepalive('one', { retries: 0 }), 'a value that breaks a rule'),
    shell(
      'kubectl apply --server-side --validate=false -f -',
      keepalive('one', { retrys: 3 }),
      'unknown, not validated',
    ),
    shell('kubectl apply --server-side --validate=warn -f -', keepalive('one', { retrys: 3 }), 'unknown, warned of'),
    shell('kubectl apply -f -', policy('two'), 'apply on the client side, to be migrated'),
    shell(owners('two'), '', 'owners before the migration'),
    shell('kubectl apply --server-side -f -', keepalive('two', { time: '30s' }), 'migrate to the server side'),
    shell(owners('two'), '', 'owners after the migration'),
    shell('kubectl apply -f -', keepalive('two', { time: '35s' }), 'go back to the client side'),
    shell(owners('two'), '', 'owners after going back'),
    shell(
      `kubectl patch agpol two --type=merge -p '{"spec":{"frontend":{"tcp":{"keepalive":{"retries":9}}}}}'`,
      '',
      'patch what an apply will want',
    ),
    shell('kubectl apply --server-side -f -', keepalive('two', { retries: 8 }), 'a conflict with kubectl-patch'),
    shell('kubectl apply --server-side -f -', gateway('edge'), 'apply a Gateway'),
    shell(
      'kubectl apply --server-side --field-manager=other -f -',
      gateway('edge', { listeners: [{ name: 'tcp', port: 81, protocol: 'TCP' }] }),
      'another manager adds a listener',
    ),
    shell('kubectl get gtw edge -o yaml --show-managed-fields', '', 'owners of listeners'),
    shell(
      'kubectl apply --server-side --field-manager=other -f -',
      gateway('edge', { listeners: [{ name: 'http', port: 88, protocol: 'HTTP' }] }),
      'a conflict within a listener',
    ),
    shell(
      'kubectl apply --server-side -f -',
      gateway('edge', {
        listeners: [
          { name: 'http', port: 80, protocol: 'HTTP' },
          { name: 'http', port: 82, protocol: 'HTTP' },
        ],
      }),
      'a listener twice',
    ),
    shell(
      'kubectl apply --server-side -f -',
      { ...policy('one'), metadata: { name: 'one', managedFields: [{ manager: 'x' }] } },
      'managedFields in the body',
    ),
    request('no manager', 'PATCH', path('one'), { type: APPLY_TYPE, body: { ...policy('one') } }),
    request('a manager of too many characters', 'PATCH', `${path('one')}?fieldManager=${'m'.repeat(129)}`, {
      type: APPLY_TYPE,
      body: { ...policy('one') },
    }),
    request('force without an apply', 'PATCH', `${path('one')}?force=true`, {
      type: 'application/merge-patch+json',
      body: { metadata: { labels: { a: 'b' } } },
    }),
    request('another kind in the body', 'PATCH', `${path('one')}?fieldManager=m`, {
      type: APPLY_TYPE,
      body: { ...gateway('one') },
    }),
    request('another name in the body', 'PATCH', `${path('one')}?fieldManager=m`, {
      type: APPLY_TYPE,
      body: { ...policy('two') },
    }),
    request('no kind in the body', 'PATCH', `${path('one')}?fieldManager=m`, { type: APPLY_TYPE, body: { spec: {} } }),
    request('no object in the body', 'PATCH', `${path('one')}?fieldManager=m`, { type: APPLY_TYPE, body: '[1]' }),
    request('no YAML in the body', 'PATCH', `${path('one')}?fieldManager=m`, { type: APPLY_TYPE, body: 'a: [' }),
    request('an old resourceVersion', 'PATCH', `${path('one')}?fieldManager=m&force=true`, {
      type: APPLY_TYPE,
      body: { ...keepalive('one', { time: '50s' }, { resourceVersion: '1' }) },
    }),
    request('the uid of nobody', 'PATCH', `${path('nobody')}?fieldManager=m`, {
      type: APPLY_TYPE,
      body: { ...policy('nobody', { metadata: { uid: 'f'.repeat(8) } }) },
    }),
    request('a conflict as a client sees it', 'PATCH', `${path('one')}?fieldManager=m`, {
      type: APPLY_TYPE,
      body: { ...keepalive('one', { time: '50s' }) },
    }),
    request('create by apply', 'PATCH', `${path('created')}?fieldManager=m`, {
      type: APPLY_TYPE,
      body: { ...policy('created') },
    }),
  ],
};
