import { type Static, Type } from '../typebox.ts';
import { groupField, kindField, nameField, namespaceField, notEnforced, text } from './fields.ts';
import { GATEWAY_GROUP } from './references.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';
import { GatewayClassStatus, waitingForController } from './status.ts';

/** Who runs our gateways; agentgateway's name, so that its manifests mean us, and tools find what we write to status. */
export const CONTROLLER_NAME = 'agentgateway.dev/agentgateway';

const ParametersReference = Type.Object(
  { group: groupField(), kind: kindField(), name: nameField(), namespace: Type.Optional(namespaceField()) },
  { description: 'An object with settings of the class.' },
);

const GatewayClassSpec = Type.Object(
  {
    controllerName: Type.String({
      description: 'Who runs the gateways of the class, such as agentgateway.dev/agentgateway. It cannot be changed.',
      minLength: 1,
      maxLength: 253,
      pattern:
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$",
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'Value is immutable' }],
    }),
    description: Type.Optional(text({ description: 'What the class is for.', maxLength: 64 })),
    parametersRef: Type.Optional(notEnforced(ParametersReference)),
  },
  { description: 'Who runs gateways of the class.' },
);

export type GatewayClassSpec = Static<typeof GatewayClassSpec>;

/** GatewayClasses name the controller of gateways. */
export const GATEWAY_CLASS: ResourceKind = defineKind({
  group: GATEWAY_GROUP,
  version: 'v1',
  kind: 'GatewayClass',
  plural: 'gatewayclasses',
  singular: 'gatewayclass',
  shortNames: ['gc'],
  categories: ['gateway-api'],
  namespaced: false,
  description: 'GatewayClass names the controller that runs the gateways of the class.',
  spec: GatewayClassSpec,
  status: GatewayClassStatus,
  initialStatus: { conditions: [waitingForController('Accepted')] },
  columns: [
    { name: 'Controller', type: 'string', jsonPath: '.spec.controllerName', description: 'Who runs the gateways.' },
    {
      name: 'Accepted',
      type: 'string',
      jsonPath: ".status.conditions[?(@.type=='Accepted')].status",
      description: 'Whether the controller has taken the class.',
    },
    {
      name: 'Description',
      type: 'string',
      jsonPath: '.spec.description',
      description: 'What the class is for.',
      priority: 1,
    },
  ],
});
