import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, resolve } from 'node:path';
import { load } from 'js-yaml';

/** How a cluster with a token is reached, read from a kubeconfig's current context. */
type Cluster = { readonly server: string; readonly ca: Buffer; readonly token: string };

type Named<Name extends string, Entry> = { readonly name: string } & { readonly [key in Name]: Entry };
type Kubeconfig = {
  readonly 'current-context': string;
  readonly contexts: readonly Named<'context', { readonly cluster: string; readonly user: string }>[];
  readonly clusters: readonly Named<
    'cluster',
    {
      readonly server: string;
      readonly 'certificate-authority'?: string;
      readonly 'certificate-authority-data'?: string;
    }
  >[];
  readonly users: readonly Named<'user', { readonly token?: string }>[];
};

/** A plain HTTP server on loopback in front of a cluster, so that both servers are spoken to in the same way. */
export type Forwarder = { readonly url: string; readonly close: () => void };

/**
 * Starts it. Google's kubectl asks for the version and then becomes the client of that version; it is not told, so
 * that the same client speaks to both servers.
 */
export async function forwardTo(kubeconfig: string): Promise<Forwarder> {
  const { server, ca, token } = readCluster(kubeconfig);
  const forwarder = createServer((incoming, outgoing) => {
    if (incoming.headers['user-agent']?.startsWith('kubectl-dispatcher/')) {
      outgoing.writeHead(404).end();
      return;
    }
    const { host: _, ...headers } = incoming.headers;
    const forwarded = request(new URL(incoming.url ?? '/', server), {
      method: incoming.method,
      ca,
      headers: { ...headers, authorization: `Bearer ${token}` },
    });
    forwarded.once('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    forwarded.once('error', (err) => outgoing.destroy(err));
    outgoing.once('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((listening) => forwarder.listen(0, '127.0.0.1', listening));
  return { url: urlOf(forwarder), close: () => forwarder.close() };
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function readCluster(path: string): Cluster {
  const config = load(readFileSync(path, 'utf8')) as Kubeconfig;
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const token = config.users.find(({ name }) => name === context?.user)?.user.token;
  if (cluster === undefined || token === undefined) {
    throw new Error(`${path}: the current context must have a cluster, and a user with a token`);
  }
  const data = cluster['certificate-authority-data'];
  const ca =
    data === undefined
      ? readFileSync(resolve(dirname(path), cluster['certificate-authority'] ?? ''))
      : Buffer.from(data, 'base64');
  return { server: cluster.server, ca, token };
}
