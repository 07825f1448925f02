import type { Difference } from './compare.ts';

/** Where ours answers otherwise on purpose. The reasons are the list in docs/api.md, word for word. */
export const DIFFERENCES: readonly Difference[] = [
  {
    reason:
      'Unknown fields are refused unless a request says `fieldValidation`, where a real server only warns ([decision 7](decisions/0007-strict-unless-said-otherwise.md)); a patch with one is refused by name.',
    steps: {
      change: [
        'kubectl patch agpol a --type=merge -p \'{"spec":{"frontend":{"tcp":{"keepalive":{"retrys":4}}}}}\'',
        'kubectl patch agpol a --type=merge -p \'{"metadata":{"generation":77,"creationTimestamp":null,"nothing":1}}\'',
        'POST of another version',
        'POST, an unknown field, nothing said',
        'PATCH, an unknown field, strict',
        'PATCH, an unknown field, nothing said',
      ],
    },
  },
  {
    reason:
      "What Go's readers of JSON and YAML say is said in our words, with the field where there is one. A value of a wrong type in metadata, of a namespace or of a Secret is 422, as everywhere, not 400.",
    steps: {
      change: [
        'kubectl patch agpol a --type=merge -p \'{"metadata":{"labels":{"x":1}}}\'',
        "kubectl patch agpol a --type=merge -p '[1]'",
        "kubectl patch agpol a --type=merge -p '{'",
        'kubectl patch agpol a --type=json -p \'{"op":"remove"}\'',
        'POST without a kind',
        'POST of no JSON',
        'POST of nothing',
        'POST of an array',
        'POST, a key twice, strict',
        'PATCH of no JSON',
        'PATCH, no object',
        'PATCH of no list',
      ],
      faults: [
        'a name that is a number',
        'a label that is a number',
        'labels as a list',
        'an annotation that is a number',
        'metadata as text',
        'Namespace: a wrong type',
        'Namespace: spec as text',
        'Namespace: a label that is a number',
      ],
      read: ['a page of no token', 'a limit that is no number', 'a version that is no number'],
      secrets: [
        'data that is no base64',
        'data of a wrong type',
        'data as text',
        'a type of a wrong type',
        'immutable as text',
      ],
      'server-side': ['no object in the body', 'no YAML in the body'],
    },
  },
  {
    reason: 'A failing JSON patch names the operation that failed, and why.',
    steps: {
      change: [
        'remove again',
        'kubectl patch agpol a --type=json -p \'[{"op":"test","path":"/spec/frontend/tcp/keepalive/retries","value":6}]\'',
        'kubectl patch agpol a --type=json -p \'[{"op":"replace","path":"/spec/nothing/at","value":6}]\'',
        'kubectl patch agpol a --type=json -p \'[{"op":"nothing","path":"/spec"}]\'',
        'PATCH, a failing test',
      ],
    },
  },
  {
    reason: 'A fault of the client is a 4xx, also where a real server answers 500.',
    steps: {
      change: ['PUT of a version that is no number', 'POST with a resourceVersion', 'DELETE with a strange body'],
      read: ['a version that has not happened', 'a watch from an old version'],
    },
  },
  {
    reason:
      'What has no path, or not this method, is answered with a Status (404, 405), not with text or with a complaint about something else.',
    steps: {
      discovery: [
        '/apis/nothing.example',
        '/apis/agentgateway.dev/v2',
        'a path that is not there',
        'a version of a group without one',
      ],
      read: [
        'an unknown path in a namespace',
        'a path below an object',
        'a method that a collection has not',
        'a method that an object has not',
      ],
    },
  },
  {
    reason: "Messages about sizes name the size that was given, which the API server's rules cannot.",
    steps: { faults: ['a size below zero', 'a frame that is too small'] },
  },
  {
    reason: '`/version` says 1.32: some builds of kubectl choose their client by it.',
    steps: { discovery: ['kubectl version'] },
  },
  {
    reason:
      'Kinds that are not served are unknown, as on a cluster without them: CustomResourceDefinitions, quotas. `can-i` says no to what cannot be done.',
    steps: {
      discovery: [
        'kubectl auth can-i create gateways.gateway.networking.k8s.io --subresource=status',
        'kubectl auth can-i get nothing',
        'kubectl get crd nothing.example',
      ],
      read: ['kubectl describe namespace oracle-read'],
    },
  },
  {
    reason: 'Namespaces have no finalizer `kubernetes`: no controller has to clear them.',
    steps: {
      apply: ['kubectl get namespace oracle-apply-more -o yaml'],
      read: ['kubectl get namespace oracle-read -o yaml'],
    },
  },
  {
    reason: 'Discovery has our paths besides (`history`, `rollback` and so on), and no hashes of storage versions.',
    steps: { discovery: ['/apis/agentgateway.dev/v1alpha1'] },
  },
  {
    reason: 'A list does not count what remains after a page (`remainingItemCount`, which is optional).',
    steps: { read: ['the metadata of a list', 'the first page'] },
  },
  {
    reason: 'Streaming lists (`sendInitialEvents`) are served; 1.33 has them behind a gate that is off.',
    steps: { read: ['a watch with its beginning told', 'a watch with its beginning told, without a match'] },
  },
  {
    reason: 'What metadata is for is said in our words, and says what holds here.',
    steps: {
      discovery: [
        'kubectl explain agpol',
        'kubectl explain agpol.metadata',
        'kubectl explain agpol.metadata.labels',
        'kubectl explain agpol --api-version=agentgateway.dev/v1alpha1',
        'kubectl explain agbe --recursive',
        'kubectl explain gtw',
        'kubectl explain gtw --recursive',
        'kubectl explain httproutes --recursive',
        'kubectl explain tcproutes --recursive',
        'kubectl explain tlsroutes --recursive',
        'kubectl explain namespaces.metadata.finalizers',
      ],
      read: ['a Table of a namespace'],
      secrets: ['kubectl explain secrets.data'],
    },
  },
  {
    reason:
      'Nothing has dependents: owners are refused, and `Orphan` deletes as every propagation policy does ([decision 14](decisions/0014-nothing-waits-for-dependents.md)).',
    steps: { faults: ['an owner of nothing'], lifecycle: ['owners', 'orphans'] },
  },
  {
    reason: 'What the server sets of the metadata is left out of a write, not refused.',
    steps: { lifecycle: ['a deletionTimestamp in a patch'] },
  },
  {
    reason:
      'A name of a namespace that is too long is one fault, not a second one of the label that the server makes of it.',
    steps: {
      change: ['kubectl create namespace nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn'],
      faults: ['Namespace: a long name'],
    },
  },
  {
    reason:
      "Protobuf is read where kubectl's typed commands send it, and never answered with, so messages about types do not name it.",
    steps: { change: ['POST of a foreign type'], read: ['a form that is not served'] },
  },
  {
    reason:
      'The status is derived: a write of it changes nothing, and a warning says so ([decision 1](decisions/0001-status-is-derived.md)).',
    steps: { lifecycle: ['patch the status', 'patch the spec through the status'] },
  },
  {
    reason: 'Secrets are of type `kubernetes.io/tls` alone.',
    steps: { secrets: ['kubectl patch secret site --type=merge -p \'{"type":"Opaque"}\''] },
  },
];
