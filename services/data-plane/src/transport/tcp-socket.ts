/**
 * What the worker needs of a TCP connection, whoever keeps it: a `net.Socket` is one, and so is a `HandleSocket`. It may
 * be open one way only, and closes by itself when both ways have ended.
 */
export type TcpSocket = {
  readonly destroyed: boolean;
  /** All that comes was read, and its end told. */
  readonly readableEnded: boolean;
  /** The end of what goes out was asked for. */
  readonly writableEnded: boolean;
  /** And all before it is the kernel's. */
  readonly writableFinished: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  destroy(error?: Error): unknown;
  /** `error` comes before `close`, and without a listener it is thrown. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'connect' | 'close', listener: () => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'connect' | 'close', listener: () => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'connect' | 'close', listener: () => void): unknown;
};
