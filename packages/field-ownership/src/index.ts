export { type Application, type Applied, applyConfiguration } from './apply.ts';
export { type ConflictReport, reportConflicts } from './conflict.ts';
export type { FieldSet } from './field-set.ts';
export { type FieldType, fieldTypeOf } from './field-type.ts';
export { type ManagedFieldsEntry, sameButTimes } from './managed-fields.ts';
export { trackUpdate, type Update, type Writer } from './track.ts';
