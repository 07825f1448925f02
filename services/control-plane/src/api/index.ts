export { ClusterView } from './cluster-view/cluster-view.ts';
export { ConditionTimes } from './condition-times.ts';
export { createApi } from './create-api.ts';
export { EventRecorder } from './recorded-events/event-recorder.ts';
export { RecordedEvents } from './recorded-events/recorded-events.ts';
export { seed } from './seed.ts';
export { StatusChanges } from './watch/status-changes.ts';
