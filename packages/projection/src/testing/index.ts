export { selfSigned } from './certificates.ts';
