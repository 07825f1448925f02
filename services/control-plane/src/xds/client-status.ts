import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import {
  type ClientStatusRequest,
  type ClientStatusResponse,
  ClientStatusResponseSchema,
  ConfigStatus,
  clientStatusService,
} from '@pulseplane/wire';
import { type ResourceStatus, resourceStatuses } from '@pulseplane/xds';
import type { StreamRecord } from './fleet.ts';
import { recordOf, type TypeRecord } from './type-record.ts';

type Client = NonNullable<MessageInitShape<typeof ClientStatusResponseSchema>['config']>[number];
type Matcher = ClientStatusRequest['nodeMatchers'][number];

/** Envoy's client status discovery, as the control plane sees it: which open stream holds which version of what. */
export function createClientStatus(streams: () => readonly StreamRecord[]): {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
} {
  const fetchClientStatus: handleUnaryCall<ClientStatusRequest, ClientStatusResponse> = (call, callback) => {
    const answered = answer(call.request, streams());
    if ('details' in answered) callback({ code: status.INVALID_ARGUMENT, details: answered.details });
    else callback(null, answered);
  };
  const streamClientStatus: handleBidiStreamingCall<ClientStatusRequest, ClientStatusResponse> = (call) => {
    call.on('data', (request: ClientStatusRequest) => {
      const answered = answer(request, streams());
      if ('details' in answered) {
        call.emit('error', { code: status.INVALID_ARGUMENT, details: answered.details });
        return;
      }
      // Who does not read is not answered more.
      if (!call.write(answered)) {
        call.pause();
        call.once('drain', () => call.resume());
      }
    });
    call.on('error', () => undefined);
    call.on('end', () => call.end());
  };
  return { definition: clientStatusService, implementation: { fetchClientStatus, streamClientStatus } };
}

function answer(
  request: ClientStatusRequest,
  streams: readonly StreamRecord[],
): ClientStatusResponse | { readonly details: string } {
  const { nodeMatchers } = request;
  if (nodeMatchers.some(({ nodeMetadatas }) => nodeMetadatas.length > 0)) {
    return { details: 'node_matchers.node_metadatas is not supported: match by node_id' };
  }
  if (nodeMatchers.some(({ nodeId }) => nodeId !== undefined && predicate(nodeId) === undefined)) {
    return { details: 'node_matchers.node_id must be one of exact, prefix, suffix, contains' };
  }
  const config = streams
    .filter(({ goneAt }) => goneAt === undefined)
    .filter(({ stream }) => nodeMatchers.length === 0 || nodeMatchers.some((each) => matches(each, stream.node.id)))
    .map((entry) => toClient(entry, request.excludeResourceContents));
  return create(ClientStatusResponseSchema, { config });
}

function matches({ nodeId }: Matcher, id: string): boolean {
  return nodeId === undefined || predicate(nodeId)?.(id) === true;
}

function predicate({
  matchPattern,
  ignoreCase,
}: NonNullable<Matcher['nodeId']>): ((id: string) => boolean) | undefined {
  const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value);
  switch (matchPattern.case) {
    case 'exact':
      return (id) => fold(id) === fold(matchPattern.value);
    case 'prefix':
      return (id) => fold(id).startsWith(fold(matchPattern.value));
    case 'suffix':
      return (id) => fold(id).endsWith(fold(matchPattern.value));
    case 'contains':
      return (id) => fold(id).includes(fold(matchPattern.value));
    default:
      return undefined;
  }
}

function toClient({ stream, types }: StreamRecord, withoutContents: boolean): Client {
  return {
    node: { id: stream.node.id, metadata: { role: stream.node.role } },
    clientScope: `stream ${stream.id}`,
    genericXdsConfigs: [...stream.types()].flatMap(([typeUrl, state]) =>
      resourceStatuses(state).map((each) => toConfig(typeUrl, each, recordOf(types, typeUrl), withoutContents)),
    ),
  };
}

const STATUSES = {
  synced: ConfigStatus.SYNCED,
  'not-sent': ConfigStatus.NOT_SENT,
  stale: ConfigStatus.STALE,
  error: ConfigStatus.ERROR,
} as const satisfies Record<ResourceStatus['status'], ConfigStatus>;

/** Who may ask what clients run need not be who may have their keys. */
const PRIVATE_KEY = 'PRIVATE KEY-----';

function toConfig(
  typeUrl: string,
  { resource, status: standing }: ResourceStatus,
  known: TypeRecord | undefined,
  withoutContents: boolean,
): NonNullable<Client['genericXdsConfigs']>[number] {
  const { name, version, body } = resource;
  const isHidden = withoutContents || Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(PRIVATE_KEY);
  const contents = isHidden ? {} : { xdsConfig: { typeUrl, value: body } };
  const config = { typeUrl, name, versionInfo: version, configStatus: STATUSES[standing], ...contents };
  const updated = known?.sent === undefined ? {} : { lastUpdated: timestampFromDate(known.sent.at) };
  if (standing !== 'error' || known?.nacked === undefined) return { ...config, ...updated };
  const { at, message } = known.nacked;
  return {
    ...config,
    ...updated,
    errorState: {
      lastUpdateAttempt: timestampFromDate(at),
      details: known.rejected.get(name) ?? message,
      versionInfo: version,
      ...(!isHidden && { failedConfiguration: { typeUrl, value: body } }),
    },
  };
}
