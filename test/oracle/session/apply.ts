import { type Part, shell } from '../step.ts';
import { gateway, gatewayClass, httpRoute, keepalive, list, namespace, policy } from './manifests.ts';

const NAMESPACE = 'oracle-apply';
const FULL = { retries: 3, time: '30s', interval: '5s' };
const get = 'kubectl get agpol one -o yaml';

/** kubectl apply on the client's side, and what belongs to it. */
export const APPLY: Part = {
  name: 'apply',
  namespace: NAMESPACE,
  steps: [
    shell('kubectl apply -f -', policy('early'), 'apply into a missing namespace'),
    shell(`kubectl create namespace ${NAMESPACE}`),
    shell('kubectl apply -f -', policy('one'), 'apply a new policy'),
    shell('kubectl apply -f -', policy('one'), 'apply it again'),
    shell(get),
    shell('kubectl get agpol one -o yaml --show-managed-fields'),
    shell('kubectl apply -f -', keepalive('one', { ...FULL, retries: 4 }), 'apply another value'),
    shell('kubectl apply -f -', keepalive('one', { time: '30s' }), 'apply without fields of before'),
    shell(get, '', 'what is left of it'),
    shell('kubectl apply -f - -o yaml', keepalive('one', FULL), 'apply and print'),
    shell('kubectl apply -f - -o name', keepalive('one', FULL), 'apply and print the name'),
    shell(
      'kubectl apply -f -',
      policy('one', { spec: { frontend: { http: { http2KeepaliveInterval: '5s', http2KeepaliveTimeout: '30s' } } } }),
      'apply the second policy of the tutorial over the first',
    ),
    shell('kubectl apply view-last-applied agpol/one'),
    shell('kubectl apply view-last-applied agpol/one -o json'),
    shell('kubectl apply --dry-run=client -f -', policy('dry'), 'apply, dry run of the client, new'),
    shell('kubectl apply --dry-run=client -f - -o yaml', policy('dry'), 'apply, dry run of the client, printed'),
    shell('kubectl apply --dry-run=server -f -', policy('dry'), 'apply, dry run of the server, new'),
    shell('kubectl apply --dry-run=server -f - -o yaml', policy('dry'), 'apply, dry run of the server, printed'),
    shell('kubectl apply --dry-run=server -f - -o yaml', policy('one'), 'apply, dry run of the server, a change'),
    shell('kubectl get agpol dry'),
    shell('kubectl create -f -', policy('two'), 'create, to be applied later'),
    shell('kubectl apply -f -', keepalive('two', { time: '40s' }), 'apply to what was created'),
    shell('kubectl get agpol two -o yaml', '', 'the created and applied policy'),
    shell('kubectl apply set-last-applied -f -', policy('two'), 'set what was last applied'),
    shell('kubectl create -f -', policy('three'), 'create, to be set'),
    shell('kubectl apply set-last-applied -f -', policy('three'), 'set what was last applied where nothing was'),
    shell(
      'kubectl apply set-last-applied --create-annotation=true -f -',
      policy('three'),
      'set what was last applied for the first time',
    ),
    shell('kubectl apply view-last-applied agpol/three -o yaml'),
    shell('KUBE_EDITOR="sed -i -e s/30s/45s/" kubectl apply edit-last-applied agpol/three'),
    shell('kubectl diff -f -', policy('three'), 'diff of what is there'),
    shell('kubectl diff -f -', keepalive('three', { ...FULL, time: '60s' }), 'diff of a change'),
    shell('kubectl diff -f -', policy('four'), 'diff of a new policy'),
    shell('kubectl diff --server-side -f -', keepalive('three', FULL), 'diff of a server-side apply'),
    shell('kubectl diff -f -', keepalive('three', { retries: 0 }), 'diff of an invalid change'),
    shell(
      'kubectl apply -f -',
      keepalive('three', { ...FULL, retries: 9 }, { resourceVersion: '1' }),
      'apply with an old resourceVersion',
    ),
    shell('kubectl apply -f -', policy('five', { metadata: { namespace: 'default' } }), 'apply to another namespace'),
    shell('kubectl -n default delete agpol five --ignore-not-found'),
    shell(
      `kubectl apply -n ${NAMESPACE} -f -`,
      policy('five', { metadata: { namespace: 'default' } }),
      'apply with a namespace that is not the one of the manifest',
    ),
    shell(
      'kubectl apply -f -',
      list(gateway('edge'), httpRoute('web'), policy('six'), policy('seven', { metadata: { labels: { a: '' } } })),
      'apply a list',
    ),
    shell('kubectl apply -f -', gateway('edge'), 'apply a Gateway again'),
    shell('kubectl apply -f -', httpRoute('web'), 'apply a route again'),
    shell('kubectl apply -f -', policy('six'), 'apply a policy again'),
    shell('kubectl get gtw edge -o json', '', 'a Gateway with its defaults'),
    shell('kubectl get httproute web -o yaml', '', 'a route with its defaults'),
    shell('kubectl apply -f -', gatewayClass('oracle-apply'), 'apply a GatewayClass'),
    shell('kubectl apply -f -', gatewayClass('oracle-apply'), 'apply a GatewayClass again'),
    shell('kubectl get gc oracle-apply -o yaml'),
    shell('kubectl delete gc oracle-apply'),
    shell('kubectl apply -f -', namespace('oracle-apply-more', { labels: { a: 'b' } }), 'apply a namespace'),
    shell(
      'kubectl apply -f -',
      namespace('oracle-apply-more', { annotations: { note: 'n' } }),
      'apply a namespace otherwise',
    ),
    shell('kubectl get namespace oracle-apply-more -o yaml'),
    shell('kubectl delete namespace oracle-apply-more'),
    shell(
      'kubectl apply --prune -l set=s --prune-allowlist=agentgateway.dev/v1alpha1/AgentgatewayPolicy -f -',
      list(
        policy('kept', { metadata: { labels: { set: 's' } } }),
        policy('pruned', { metadata: { labels: { set: 's' } } }),
      ),
      'apply a set',
    ),
    shell(
      'kubectl apply --prune -l set=s --prune-allowlist=agentgateway.dev/v1alpha1/AgentgatewayPolicy -f -',
      list(policy('kept', { metadata: { labels: { set: 's' } } })),
      'apply the set with one less',
    ),
    shell(
      'mkdir set; cat >set/policy.json; printf "namePrefix: my-\\nlabels: [{pairs: {team: red}}]\\nresources: [policy.json]\\n" >set/kustomization.yaml; kubectl apply -k set',
      policy('kustomized'),
      'apply a kustomization',
    ),
    shell('kubectl get agpol my-kustomized -o yaml'),
    shell('kubectl delete -k set'),
    shell(
      'kubectl apply -f -',
      `apiVersion: agentgateway.dev/v1alpha1
kind: AgentgatewayPolicy
metadata:
  name: dialect
  labels: {n: "1", y: "2"}
  annotations: {note: "a: b"}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  frontend: {tcp: {keepalive: {retries: 5, retries: 3.0, time: 30s, interval: null}}}
`,
      'apply YAML with a key twice, a whole float and a null',
    ),
    shell('kubectl get agpol dialect -o yaml'),
    shell('kubectl apply -f -', 'a: [', 'apply text that is no YAML'),
    shell('kubectl apply -f -', 'kind: AgentgatewayPolicy\n', 'apply an object without a version'),
    shell('kubectl apply -f -', 'apiVersion: v1\n', 'apply an object without a kind'),
    shell('kubectl apply -f -', '', 'apply nothing'),
    shell('kubectl apply -f missing.yaml'),
    shell('kubectl apply -f -', { ...policy('x'), kind: 'AgentgatewayPolice' }, 'apply an unknown kind'),
    shell('kubectl apply -f -', { ...policy('x'), apiVersion: 'agentgateway.dev/v2' }, 'apply an unknown version'),
    shell(
      'kubectl apply -f -',
      { apiVersion: 'nowhere.example/v1', kind: 'Thing', metadata: { name: 'x' } },
      'apply a kind of an unknown group',
    ),
    shell('kubectl apply -f -', { ...policy('x'), metadata: {} }, 'apply an object without a name'),
    shell(
      'kubectl apply -f -',
      { ...policy('x'), metadata: { generateName: 'x-' } },
      'apply an object whose name would be generated',
    ),
  ],
};
