import { type Part, request, shell } from '../step.ts';
import { gateway, gatewayClass, keepalive, namespace, policiesPath, policy } from './manifests.ts';

const NAMESPACE = 'oracle-lifecycle';
const path = policiesPath(NAMESPACE);
const finalizers = { finalizers: ['example.com/hold'] };
const MERGE = 'application/merge-patch+json';

/** Finalizers, status writes, what cannot be changed, namespaces that go. */
export const LIFECYCLE: Part = {
  name: 'lifecycle',
  namespace: NAMESPACE,
  steps: [
    shell(`kubectl create namespace ${NAMESPACE}`),
    shell('kubectl apply -f -', policy('held', { metadata: finalizers }), 'apply with a finalizer'),
    shell('kubectl delete agpol held --wait=false'),
    shell('kubectl get agpol held -o yaml'),
    shell('kubectl delete agpol held --wait=false', '', 'delete once more'),
    shell('kubectl apply -f -', keepalive('held', { time: '40s' }, finalizers), 'apply while it is deleted'),
    shell('kubectl label agpol held a=b'),
    shell(
      `kubectl patch agpol held --type=merge -p '{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}'`,
      '',
      'a finalizer too late',
    ),
    shell('kubectl delete agpol held --timeout=1s'),
    shell('kubectl create -f -', policy('held'), 'create what is being deleted'),
    shell(`kubectl patch agpol held --type=merge -p '{"metadata":{"finalizers":null}}'`, '', 'let it go'),
    shell('kubectl get agpol held'),
    shell('kubectl create -f -', policy('plain'), 'create'),
    request('a deletionTimestamp in a patch', 'PATCH', `${path}/plain`, {
      type: MERGE,
      body: { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z' } },
    }),
    request('a deletionTimestamp in a new object', 'POST', `${path}?dryRun=All`, {
      body: policy('dead', { metadata: { deletionTimestamp: '2020-01-01T00:00:00Z', deletionGracePeriodSeconds: 3 } }),
    }),
    request('owners', 'POST', `${path}?dryRun=All`, {
      body: policy('owned', {
        metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: 'x', uid: 'y' }] },
      }),
    }),
    request('orphans', 'DELETE', `${path}/plain?propagationPolicy=Orphan`),
    shell('kubectl create -f -', gateway('edge'), 'create a Gateway'),
    shell('kubectl apply -f -', gatewayClass('oracle-lifecycle'), 'create a GatewayClass'),
    shell(
      `kubectl patch gc oracle-lifecycle --type=merge -p '{"spec":{"controllerName":"other.example/x"}}'`,
      '',
      'change what cannot change',
    ),
    shell('kubectl delete gc oracle-lifecycle'),
    request(
      'read the status',
      'GET',
      `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/gateways/edge/status`,
    ),
    shell(
      `kubectl patch gtw edge --subresource=status --type=merge -p '{"status":{"addresses":[{"value":"10.0.0.1"}]}}'`,
      '',
      'patch the status',
    ),
    shell(
      `kubectl patch gtw edge --subresource=status --type=merge -p '{"spec":{"gatewayClassName":"other"}}'`,
      '',
      'patch the spec through the status',
    ),
    shell('kubectl get gtw edge -o jsonpath={.metadata.generation}{.spec.gatewayClassName}'),
    shell('KUBE_EDITOR=true kubectl edit gtw edge --subresource=status'),
    shell('kubectl get gtw edge --subresource=status'),
    shell('kubectl create -f -', namespace('oracle-lifecycle-gone'), 'create a namespace'),
    shell('kubectl create -n oracle-lifecycle-gone -f -', policy('a'), 'create in it'),
    shell('kubectl create -n oracle-lifecycle-gone -f -', policy('b', { metadata: finalizers }), 'create to hold it'),
    shell('kubectl delete namespace oracle-lifecycle-gone --wait=false'),
    shell('kubectl get namespace oracle-lifecycle-gone -o jsonpath={.status.phase}'),
    shell('kubectl create -n oracle-lifecycle-gone -f -', policy('c'), 'create in a namespace that goes'),
    shell(
      `kubectl patch -n oracle-lifecycle-gone agpol b --type=merge -p '{"metadata":{"finalizers":[]}}'`,
      '',
      'let the namespace go',
    ),
    shell('kubectl wait --for=delete namespace/oracle-lifecycle-gone --timeout=60s >/dev/null'),
    shell('kubectl get agpol -n oracle-lifecycle-gone'),
  ],
};
