import { Type } from 'typebox';

/** A Kubernetes condition. */
const Condition = Type.Object(
  {
    type: Type.String({ description: 'What the condition is about, such as Accepted.' }),
    status: Type.String({ description: 'True, False or Unknown.' }),
    reason: Type.Optional(Type.String({ description: 'One word for why.' })),
    message: Type.Optional(Type.String({ description: 'A sentence for people.' })),
    observedGeneration: Type.Optional(Type.Integer({ description: 'The generation that was looked at.' })),
    lastTransitionTime: Type.Optional(Type.String({ description: 'When status last changed.', format: 'date-time' })),
  },
  { description: 'One aspect of the current state.' },
);

const Conditions = Type.Optional(Type.Array(Condition, { description: 'Aspects of the current state.' }));

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

/** Of a policy: conditions for each object that it reaches. */
export const PolicyStatus = Type.Object(
  {
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
          attachedRoutes: Type.Integer({ description: 'How many routes are attached.' }),
          conditions: Conditions,
        }),
        { description: 'The state of each listener.' },
      ),
    ),
  },
  { description: 'The current state, written by the control plane.' },
);
