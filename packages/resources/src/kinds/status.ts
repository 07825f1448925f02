import type { JsonObject } from '../object.ts';
import { Type } from '../typebox.ts';
import { choice } from './fields.ts';

/** A Kubernetes condition. */
const Condition = Type.Object(
  {
    type: Type.String({ description: 'What the condition is about, such as Accepted.', maxLength: 316 }),
    status: choice(['True', 'False', 'Unknown'], 'Whether it holds.'),
    reason: Type.String({ description: 'One word for why.', minLength: 1, maxLength: 1024 }),
    message: Type.String({ description: 'A sentence for people.', maxLength: 32_768 }),
    observedGeneration: Type.Optional(
      Type.Integer({ description: 'The generation that was looked at.', format: 'int64', minimum: 0 }),
    ),
    lastTransitionTime: Type.String({ description: 'When status last changed.', format: 'date-time' }),
  },
  { description: 'One aspect of the current state.' },
);

/** What Gateway API's kinds say of themselves until a controller has taken them. */
export function waitingForController(type: string): JsonObject {
  return {
    type,
    status: 'Unknown',
    reason: 'Pending',
    message: 'Waiting for controller',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  };
}

const Conditions = Type.Optional(
  Type.Array(Condition, {
    description: 'Aspects of the current state.',
    maxItems: 8,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  }),
);

const ParentRef = Type.Object(
  {
    group: Type.Optional(Type.String({ description: 'The API group of the object.' })),
    kind: Type.Optional(Type.String({ description: 'The kind of the object.' })),
    namespace: Type.Optional(Type.String({ description: 'The namespace of the object.' })),
    name: Type.String({ description: 'The name of the object.' }),
    sectionName: Type.Optional(Type.String({ description: 'A part of the object.' })),
    port: Type.Optional(Type.Integer({ description: 'A port of the object.' })),
  },
  { description: 'The object that the state is about.' },
);

/** Conditions only. */
export const ConditionsStatus = Type.Object(
  { conditions: Conditions },
  { description: 'The current state, written by the control plane.' },
);

/** Of a class: its conditions, and what its gateways can do. */
export const GatewayClassStatus = Type.Object(
  {
    conditions: Conditions,
    supportedFeatures: Type.Optional(
      Type.Array(
        Type.Object({ name: Type.String({ description: 'The name of a feature.' }) }, { description: 'A feature.' }),
        {
          description: 'The features of Gateway API that gateways of the class have.',
          maxItems: 64,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
        },
      ),
    ),
  },
  { description: 'The current state, written by the control plane.' },
);

/** Of a policy: conditions for each object that it reaches, and for the whole, which agentgateway does not have. */
export const PolicyStatus = Type.Object(
  {
    conditions: Conditions,
    ancestors: Type.Optional(
      Type.Array(
        Type.Object({
          ancestorRef: ParentRef,
          controllerName: Type.String({ description: 'Who wrote this.' }),
          conditions: Conditions,
        }),
        { description: 'The gateways that the policy reaches.' },
      ),
    ),
  },
  { description: 'The current state, written by the control plane.' },
);

/** Of a route: conditions for each parent that it names. */
export const RouteStatus = Type.Object(
  {
    parents: Type.Optional(
      Type.Array(
        Type.Object({
          parentRef: ParentRef,
          controllerName: Type.String({ description: 'Who wrote this.' }),
          conditions: Conditions,
        }),
        { description: 'The gateways that the route names.' },
      ),
    ),
  },
  { description: 'The current state, written by the control plane.' },
);

/** Of a gateway: its own conditions, its addresses, and conditions for each listener. */
export const GatewayStatus = Type.Object(
  {
    addresses: Type.Optional(
      Type.Array(
        Type.Object({
          type: Type.Optional(Type.String({ description: 'IPAddress or Hostname.' })),
          value: Type.String({ description: 'The address.' }),
        }),
        { description: 'Where the gateway can be reached.' },
      ),
    ),
    conditions: Conditions,
    listeners: Type.Optional(
      Type.Array(
        Type.Object({
          name: Type.String({ description: 'The name of the listener.' }),
          supportedKinds: Type.Optional(
            Type.Array(
              Type.Object({
                group: Type.Optional(Type.String({ description: 'The API group of the routes.' })),
                kind: Type.String({ description: 'The kind of the routes.' }),
              }),
              { description: 'The kinds of routes that the listener takes.' },
            ),
          ),
          attachedRoutes: Type.Integer({ description: 'How many routes are attached.' }),
          conditions: Conditions,
        }),
        { description: 'The state of each listener.' },
      ),
    ),
  },
  { description: 'The current state, written by the control plane.' },
);
