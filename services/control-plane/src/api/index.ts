export type { ApiOptions } from './api-options.ts';
export { createApi } from './create-api.ts';
export { BODY_LIMIT_BYTES } from './limits.ts';
export type { StatusOf } from './present.ts';
export { type SeedOptions, seed } from './seed.ts';
