export { createApi } from './create-api.ts';
export { seed } from './seed.ts';
