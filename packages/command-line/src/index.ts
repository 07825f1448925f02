export { isLoopback, refuse, Settings } from './settings.ts';
export { onStopRequest } from './stop-request.ts';
export { type Program, Supervisor } from './supervisor.ts';
export { workerPort } from './worker-port.ts';
