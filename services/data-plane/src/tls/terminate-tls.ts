import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { EffectiveTls, Listener, ListenerTls } from '@pulseplane/projection/gateway';
import { type Connection, LAST_REQUEST_MS, type Served } from '../connection/connection.ts';
import { longTimeout } from '../connection/long-timeout.ts';
import { certificatesFor } from './certificate.ts';
import { handshakeOptions } from './handshake-options.ts';

/** Makes the handshakes of connections whose ClientHello is in their socket still. */
export type TlsTerminator = {
  /** Calls back once what the connection's socket carries is plain; else the connection is closed with the reason. */
  terminate(connection: Connection, listener: TerminatingListener, settings: EffectiveTls, onSecure: () => void): void;
};

type TerminatingListener = Listener & { readonly tls: ListenerTls };

/** What becomes of a handshake that is under way. */
type Handshake = { secured(socket: TLSSocket): void; failed(error: Error): void };

/** Its own is a limit of silence, which a client that sends byte by byte never reaches. */
const NEVER_MS = 2 ** 31 - 1;
/** Of one listener, so that settings that change all the time leave nothing behind. */
const MOST_SERVERS = 100;
const HTTPS_PROTOCOLS = ['h2', 'http/1.1'];
const PEER_GONE = new Set(['ECONNRESET', 'EPIPE']);

export function createTlsTerminator(): TlsTerminator {
  // A new certificate is another object, so that it serves the next handshake, and what hangs on the old one goes.
  const servers = new WeakMap<ListenerTls, Map<string, TlsServer>>();

  const serverFor = ({ tls, protocol }: TerminatingListener, settings: EffectiveTls, serverName: string): TlsServer => {
    const { policyKey: _, handshakeTimeoutMs: __, alpnProtocols, ...others } = settings;
    const alpn = alpnProtocols ?? (protocol === 'https' ? HTTPS_PROTOCOLS : []);
    const certificates = certificatesFor(tls.certificates, serverName);
    const key = JSON.stringify([alpn, others, certificates.map((one) => tls.certificates.indexOf(one))]);
    const known = servers.get(tls) ?? new Map<string, TlsServer>();
    servers.set(tls, known);
    let server = known.get(key);
    if (server === undefined) {
      server = createTlsServer({
        ...handshakeOptions(others),
        cert: certificates.map(({ chain }) => chain),
        key: certificates.map((one) => one.key.reveal()),
        ALPNProtocols: [...alpn],
        handshakeTimeout: NEVER_MS,
      });
      // Handshakes under way hold theirs.
      if (known.size >= MOST_SERVERS) known.clear();
      known.set(key, server);
    }
    return server;
  };

  return {
    terminate(connection, listener, settings, onSecure) {
      const { socket } = connection;
      const age = performance.now() - connection.acceptedAt;
      const late = () => connection.close('handshake_timeout');
      let cancelTimeout = longTimeout(settings.handshakeTimeoutMs - age, late);
      const cancel = () => cancelTimeout();
      socket.once('close', cancel);
      const served: Served = {
        protocol: 'unknown',
        closeGracefully() {
          cancel();
          cancelTimeout = longTimeout(LAST_REQUEST_MS, late);
        },
        destroy: cancel,
        lastPingRttMs: () => undefined,
      };
      connection.serveAs(served);
      // Until it is secured there is nothing to say to a client that has ended its side.
      socket.allowHalfOpen = false;
      serverFor(listener, settings, connection.serverName ?? '').handshake(socket, {
        secured(secure) {
          cancel();
          secure.allowHalfOpen = true;
          connection.secure(secure);
          connection.guard(onSecure);
        },
        failed(error) {
          const isGone = 'code' in error && PEER_GONE.has(String(error.code));
          const reason = 'reason' in error ? String(error.reason) : error.message;
          connection.fail(new Error(`TLS handshake: ${reason}`), isGone ? 'peer' : 'tls_handshake');
        },
      });
    },
  };
}

type TlsServer = { handshake(socket: Socket, handshake: Handshake): void };

/** Never listens: it is given sockets that were accepted elsewhere. */
function createTlsServer(options: NonNullable<Parameters<typeof createServer>[0]>): TlsServer {
  const underWay = new Map<string, Handshake>();
  const server: Server = createServer(options);
  const take = (socket: Socket): Handshake | undefined => {
    const key = endsOf(socket);
    const handshake = underWay.get(key);
    underWay.delete(key);
    return handshake;
  };
  server.on('secureConnection', (socket) => {
    const handshake = take(socket);
    // The client has gone, and nobody can tell any more which it was.
    if (handshake === undefined) socket.destroy();
    else handshake.secured(socket);
  });
  server.on('tlsClientError', (error, socket) => take(socket)?.failed(error));
  return {
    handshake(socket, handshake) {
      const key = endsOf(socket);
      underWay.set(key, handshake);
      socket.once('close', () => {
        if (underWay.get(key) === handshake) underWay.delete(key);
      });
      server.emit('connection', socket);
    },
  };
}

/** What an open connection is known by, to whichever of its sockets. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ');
}
