export { isLoopback, refuse, Settings } from './settings.ts';
export { onStopRequest } from './stop-request.ts';
