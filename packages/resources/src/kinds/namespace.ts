import { Type } from '../typebox.ts';
import { defineKind, type ResourceKind } from './resource-kind.ts';

const NamespaceSpec = Type.Object(
  {
    finalizers: Type.Optional(
      Type.Array(Type.String(), { description: 'Kept as given; a deletion waits for those in metadata only.' }),
    ),
  },
  { description: 'Nothing that a user has to set.' },
);

const NamespaceStatus = Type.Object(
  { phase: Type.Optional(Type.String({ description: 'Active, or Terminating.' })) },
  { description: 'The current state, written by the control plane.' },
);

/** Namespaces hold the objects of all other kinds. */
export const NAMESPACE: ResourceKind = defineKind({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  categories: [],
  namespaced: false,
  nameFormat: 'label',
  description: 'Namespace is a scope for names. Deleting it deletes every object in it.',
  spec: NamespaceSpec,
  specRequired: false,
  status: NamespaceStatus,
  selectableFields: {
    'status.phase': ({ metadata }) => (metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating'),
  },
  initialStatus: { phase: 'Active' },
  columns: [{ name: 'Status', type: 'string', jsonPath: '.status.phase', description: 'The phase of the namespace.' }],
});
