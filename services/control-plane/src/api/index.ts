export { ClusterView } from './cluster-view/cluster-view.ts';
export { createApi } from './create-api.ts';
export { seed } from './seed.ts';
