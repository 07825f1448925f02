import { addedFinalizers, GATEWAY_CLASS, invalidValue, NAMESPACE } from '@pulseplane/resources';
import type { Rejection } from '../command/index.ts';
import {
  badRequest,
  conflict,
  detailsOf,
  failure,
  forbidden,
  IDEMPOTENCY_KEY,
  invalid,
  notFound,
  resourceAndName,
  type Status,
} from './status.ts';

/** So many gateways are named in a refusal. */
const MAX_NAMED_GATEWAYS = 10;

/** How Kubernetes words a command's rejection. */
export function rejected(rejection: Rejection): Status {
  switch (rejection.type) {
    case 'notFound':
      return notFound(rejection.kind, rejection.name);
    case 'namespaceNotFound':
      return notFound(NAMESPACE, rejection.namespace);
    case 'namespaceTerminating':
      return namespaceTerminating(rejection);
    case 'finalizersAdded':
      return invalid(rejection.kind, rejection.name, [addedFinalizers(rejection.added)]);
    case 'alreadyExists':
      return failure(
        409,
        'AlreadyExists',
        `${rejection.isDeleting ? 'object is being deleted: ' : ''}${resourceAndName(rejection.kind, rejection.name)} already exists`,
        detailsOf(rejection.kind, rejection.name),
      );
    case 'modified':
      return conflict(
        rejection,
        'the object has been modified; please apply your changes to the latest version and try again',
      );
    case 'preconditionFailed':
      return conflict(rejection, preconditionText(rejection));
    case 'deletePrecondition':
      return deletePrecondition(rejection);
    case 'versionOnCreate':
      return badRequest('resourceVersion should not be set on objects to be created');
    case 'keyReused': {
      const fault = invalidValue(IDEMPOTENCY_KEY, rejection.key, 'was used for another request; use a new key');
      return failure(422, 'Invalid', `${IDEMPOTENCY_KEY}: ${fault.message}`, { causes: [fault] });
    }
    case 'classInUse':
      return classInUse(rejection);
    case 'namespaceProtected':
      return {
        ...forbidden(
          `namespaces ${JSON.stringify(rejection.namespace)} is forbidden: this namespace may not be deleted${rejection.hasWorkers ? ' while workers are in it' : ''}`,
        ),
        details: detailsOf(NAMESPACE, rejection.namespace),
      };
  }
}

type FailedPrecondition = Extract<Rejection, { type: 'preconditionFailed' | 'deletePrecondition' }>;

/** Kubernetes names the kind here where it names the resource elsewhere. */
function deletePrecondition({ kind, name, field, wanted, actual }: FailedPrecondition): Status {
  const { group, kind: kindName } = kind;
  const [what, happened] = field === 'uid' ? ['UID', 'deleted and then recreated'] : ['ResourceVersion', 'modified'];
  const reason = `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${actual}). The object might have been ${happened}`;
  const qualifiedKind = group === '' ? kindName : `${kindName}.${group}`;
  return failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedKind} ${JSON.stringify(name)}: ${reason}`,
    {
      name,
      ...(group !== '' && { group }),
      kind: kindName,
    },
  );
}

function namespaceTerminating({ kind, name, namespace }: Extract<Rejection, { type: 'namespaceTerminating' }>): Status {
  const reason = `unable to create new content in namespace ${namespace} because it is being terminated`;
  return {
    ...forbidden(`${resourceAndName(kind, name)} is forbidden: ${reason}`),
    details: {
      ...detailsOf(kind, name),
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  };
}

function classInUse({ name, gateways }: Extract<Rejection, { type: 'classInUse' }>): Status {
  const shown = gateways.slice(0, MAX_NAMED_GATEWAYS).map((gateway) => `${gateway.namespace}/${gateway.name}`);
  const more = gateways.length > shown.length ? ` and ${gateways.length - shown.length} more` : '';
  const reason = `it is the class of the Gateways ${shown.join(', ')}${more}; delete them or give them another class first`;
  return {
    ...forbidden(`${resourceAndName(GATEWAY_CLASS, name)} is forbidden: ${reason}`),
    details: detailsOf(GATEWAY_CLASS, name),
  };
}

function preconditionText({ field, wanted, actual }: FailedPrecondition): string {
  return field === 'uid'
    ? `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${actual}`
    : `Precondition failed: ResourceVersion in precondition: ${wanted}, ResourceVersion in object meta: ${actual}`;
}
