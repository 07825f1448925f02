import {
  ClusterLoadAssignmentSchema,
  ClusterSchema,
  ListenerSchema,
  RouteConfigurationSchema,
} from '@pulseplane/wire/envoy';
import { typeUrlOf } from './envoy-resource.ts';

export const LISTENER_TYPE_URL: string = typeUrlOf(ListenerSchema);

/** Every type that Envoys and gRPC clients get. */
export const ENVOY_TYPE_URLS: readonly string[] = [
  LISTENER_TYPE_URL,
  ...[RouteConfigurationSchema, ClusterSchema, ClusterLoadAssignmentSchema].map(typeUrlOf),
];
