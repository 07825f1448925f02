import { getSystemErrorName } from 'node:util';

/** What `net.Socket` is made of: a TCP connection of libuv. Numbers that calls give back are 0 or a negative errno. */
export type TcpHandle = {
  /** Called with the handle as `this`; `state` has how much was read. */
  onread: (this: TcpHandle) => void;
  readonly fd: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Whose the handle is. */
  owner?: object;
  /** Reads go into this memory, which the handle does not keep. */
  useUserBuffer(buffer: Buffer): void;
  readStart(): number;
  readStop(): number;
  /** `state` has whether it waits for room; then `request` is told, and keeps the bytes until then. */
  writeBuffer(request: TcpRequest, bytes: Buffer): number;
  /** After all that was written. 1: at once, and `request` is not told. */
  shutdown(request: TcpRequest): number;
  connect(request: TcpRequest, address: string, port: number): number;
  connect6(request: TcpRequest, address: string, port: number): number;
  getpeername(into: TcpAddress): number;
  getsockname(into: TcpAddress): number;
  setNoDelay(on: boolean): number;
  close(closed?: (this: TcpHandle) => void): void;
};

/** What a call that goes on is known by. It tells 0 or a negative errno. */
type TcpRequest = { oncomplete: (status: number) => void; bytes?: Buffer };

export type TcpAddress = { address?: string; port?: number };

/** Node's own way to libuv. */
export type TcpBinding = {
  readonly openHandle: () => TcpHandle;
  readonly ConnectRequest: new () => TcpRequest;
  readonly WriteRequest: new () => TcpRequest;
  readonly ShutdownRequest: new () => TcpRequest;
  /** How much the last read gave; or a negative errno, of which EOF is one. */
  readonly lastRead: () => number;
  /** The last write waits for room. */
  readonly isLastWriteWaiting: () => boolean;
};

const METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeBuffer',
  'shutdown',
  'connect',
  'connect6',
  'getpeername',
  'getsockname',
  'setNoDelay',
  'close',
] as const satisfies readonly (keyof TcpHandle)[];

const NUMBERS = ['fd', 'bytesRead', 'bytesWritten'] as const satisfies readonly (keyof TcpHandle)[];

/** Undefined where this Node does not have it as Node 20 does: then `node:net` is all there is. */
export const tcpBinding: TcpBinding | undefined = findTcpBinding();

/** Whether something is a TCP handle as Node 20 has it. */
export function isTcpHandle(value: unknown): value is TcpHandle {
  return (
    typeof value === 'object' &&
    value !== null &&
    METHODS.every((name) => typeof Reflect.get(value, name) === 'function') &&
    NUMBERS.every((name) => typeof Reflect.get(value, name) === 'number')
  );
}

/** An error as `node:net` makes it. */
export function tcpError(status: number, call: string, place = ''): NodeJS.ErrnoException {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`${call} ${code}${place}`), { errno: status, code, syscall: call });
}

function findTcpBinding(): TcpBinding | undefined {
  const tcp = bindingOf('tcp_wrap');
  const stream = bindingOf('stream_wrap');
  const [Tcp, ConnectRequest] = [tcp['TCP'], tcp['TCPConnectWrap']];
  const [WriteRequest, ShutdownRequest] = [stream['WriteWrap'], stream['ShutdownWrap']];
  const [state, read, isAsync] = [stream['streamBaseState'], stream['kReadBytesOrError'], stream['kLastWriteWasAsync']];
  const constants = tcp['constants'];
  const kind = typeof constants === 'object' && constants !== null && Reflect.get(constants, 'SOCKET');
  if (!isConstructor(Tcp) || typeof kind !== 'number' || !(state instanceof Int32Array)) return undefined;
  if (!isRequest(ConnectRequest) || !isRequest(WriteRequest) || !isRequest(ShutdownRequest)) return undefined;
  if (typeof read !== 'number' || typeof isAsync !== 'number') return undefined;
  const openHandle = () => new Tcp(kind) as TcpHandle;
  if (!isTcpHandle(openHandle())) return undefined;
  return {
    openHandle,
    ConnectRequest,
    WriteRequest,
    ShutdownRequest,
    lastRead: () => state[read] ?? 0,
    isLastWriteWaiting: () => state[isAsync] !== 0,
  };
}

/** Empty when there is none. `--pending-deprecation` would have Node warn whoever runs the worker, who can do nothing. */
function bindingOf(name: string): Readonly<Record<string, unknown>> {
  const noDeprecation: unknown = Reflect.get(process, 'noDeprecation');
  Reflect.set(process, 'noDeprecation', true);
  try {
    const binding: unknown = Reflect.get(process, 'binding')?.(name);
    return typeof binding === 'object' && binding !== null ? { ...binding } : {};
  } catch {
    return {};
  } finally {
    Reflect.set(process, 'noDeprecation', noDeprecation);
  }
}

function isConstructor(value: unknown): value is new (kind: number) => unknown {
  return typeof value === 'function';
}

function isRequest(value: unknown): value is new () => TcpRequest {
  return typeof value === 'function';
}
