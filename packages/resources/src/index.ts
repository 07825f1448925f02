export {
  type Json,
  type JsonObject,
  type KubernetesObject,
  type ObjectMeta,
  type ObjectRef,
  refKey,
  type StoredObject,
} from './object.ts';
