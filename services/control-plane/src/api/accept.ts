const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';
const ANY_TYPES: readonly string[] = ['*/*', 'application/*'];

type Offer = { readonly type: string; readonly parameters: ReadonlyMap<string, string> };

/** Whether the client would rather have a Table than the object (kubectl get does). */
export function prefersTable(accept: string | undefined): boolean {
  const choice = parseAccept(accept).find(
    ({ type, parameters }) => type === 'application/json' && (!parameters.has('as') || isTable(parameters)),
  );
  return choice?.parameters.get('as') === 'Table';
}

/** Whether the client would rather have the metadata of objects alone. */
export function prefersMetadata(accept: string | undefined): boolean {
  const choice = parseAccept(accept).find(
    ({ type, parameters }) => type === 'application/json' && (!parameters.has('as') || isMetadata(parameters)),
  );
  return choice?.parameters.has('as') === true;
}

/** Whether an answer in JSON or YAML is of use to the client. */
export function acceptsText(accept: string | undefined): boolean {
  return !accept || parseAccept(accept).some(({ type }) => [...ANY_TYPES, JSON_TYPE, YAML_TYPE].includes(type));
}

/** Whether the client would rather have YAML. */
export function prefersYaml(accept: string | undefined): boolean {
  if (!accept?.includes(YAML_TYPE)) return false;
  const choice = parseAccept(accept).find(({ type }) => [...ANY_TYPES, JSON_TYPE, YAML_TYPE].includes(type));
  return choice?.type === YAML_TYPE;
}

/** Whether the client takes all groups and resources in one document. */
export function prefersAggregatedDiscovery(accept: string | undefined): boolean {
  const choice = parseAccept(accept).find(
    ({ type, parameters }) => type === 'application/json' && (!parameters.has('as') || isAggregated(parameters)),
  );
  return choice?.parameters.get('as') === 'APIGroupDiscoveryList';
}

function isTable(parameters: Offer['parameters']): boolean {
  return parameters.get('as') === 'Table' && parameters.get('v') === 'v1' && parameters.get('g') === 'meta.k8s.io';
}

function isMetadata(parameters: Offer['parameters']): boolean {
  const as = parameters.get('as') ?? '';
  const isKnown = as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList';
  return isKnown && parameters.get('v') === 'v1' && parameters.get('g') === 'meta.k8s.io';
}

function isAggregated(parameters: Offer['parameters']): boolean {
  return (
    parameters.get('as') === 'APIGroupDiscoveryList' &&
    parameters.get('v') === 'v2' &&
    parameters.get('g') === 'apidiscovery.k8s.io'
  );
}

/** In the client's order, which is what Kubernetes goes by. */
function parseAccept(accept = ''): readonly Offer[] {
  return accept.split(',').map((offer) => {
    const [type = '', ...parameters] = offer.split(';').map((part) => part.trim());
    return {
      type: type.toLowerCase(),
      parameters: new Map(
        parameters.map((parameter): [string, string] => {
          const [name = '', value = ''] = parameter.split('=', 2);
          return [name, value];
        }),
      ),
    };
  });
}
