import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { RestClient, type RestRequest } from './rest-client.ts';
import type { Action, Target, WriteRecord } from './writes.ts';

const NAMES_PER_CLIENT = 8;
const SHARED_NAMES = 4;
const NAMESPACES = '/api/v1/namespaces';

export type WorkloadOptions = {
  readonly port: number;
  readonly clients: number;
  readonly random: RandomGenerator;
  readonly record: WriteRecord;
  /** The backends that exist, with their versions: each client goes on from there. */
  readonly existing: ReadonlyMap<string, number>;
  /** Distinguishes this round's markers and namespaces from those of earlier rounds. */
  readonly round: string;
  readonly onAcknowledged?: () => void;
};

/**
 * Clients that create, update and delete until the server is gone. Each has names of its own, where nothing may
 * refuse it, and all of them race for a few shared names. Resolves when the last client has lost its server.
 */
export async function runWorkload(options: WorkloadOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.clients }, (_, index) => new Client(options, index).run()));
}

/** Names a backend as the keys of {@link WorkloadOptions.existing} do. */
export function backendKey({ namespace, name }: Target): string {
  return `${namespace}/${name}`;
}

class ServerGone extends Error {}

class Client {
  readonly #options: WorkloadOptions;
  readonly #index: number;
  readonly #rest: RestClient;
  readonly #versions: Map<string, number>;
  #count = 0;

  constructor(options: WorkloadOptions, index: number) {
    this.#options = options;
    this.#index = index;
    this.#rest = new RestClient(options.port);
    this.#versions = new Map(options.existing);
  }

  async run(): Promise<void> {
    try {
      for (;;) await this.#step();
    } catch (error) {
      if (!(error instanceof ServerGone)) throw error;
    } finally {
      this.#rest.close();
    }
  }

  #step(): Promise<unknown> {
    const { random } = this.#options;
    if (uniformFloat64(random) < 0.04) return this.#namespaceRound();
    if (uniformFloat64(random) < 0.1) return this.#changeShared();
    const target = { namespace: 'default', name: `c${this.#index}-${uniformInt(random, 0, NAMES_PER_CLIENT - 1)}` };
    const version = this.#versions.get(backendKey(target));
    if (version === undefined) return this.#create(target);
    if (uniformFloat64(random) < 0.3) return this.#delete(target);
    return this.#update(target, uniformFloat64(random) < 0.5 ? version : undefined);
  }

  /** A deletion of a namespace with something in it is one command of several events. */
  async #namespaceRound(): Promise<void> {
    const namespace = `n${this.#options.round}-${this.#index}-${this.#count}`;
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await this.#write('create', { namespace: '', name: namespace }, { method: 'POST', path: NAMESPACES, body });
    for (const name of ['first', 'second']) await this.#create({ namespace, name });
    const path = `${NAMESPACES}/${namespace}`;
    await this.#write('delete', { namespace: '', name: namespace }, { method: 'DELETE', path });
  }

  async #changeShared(): Promise<void> {
    const target = { namespace: 'default', name: `shared-${uniformInt(this.#options.random, 0, SHARED_NAMES - 1)}` };
    if ((await this.#update(target, undefined)) === 404) await this.#create(target);
  }

  async #create(target: Target): Promise<void> {
    const path = backendPath(target.namespace);
    await this.#write('create', target, { method: 'POST', path, body: (marker) => backend(target, marker) });
  }

  /** With a version the object is replaced, without it is patched blindly. */
  #update(target: Target, version: number | undefined): Promise<number> {
    const path = `${backendPath(target.namespace)}/${target.name}`;
    return version === undefined
      ? this.#write('update', target, { method: 'PATCH', path, body: (marker) => ({ spec: spec(marker) }) })
      : this.#write('update', target, {
          method: 'PUT',
          path,
          body: (marker) => backend(target, marker, String(version)),
        });
  }

  async #delete(target: Target): Promise<void> {
    await this.#write('delete', target, {
      method: 'DELETE',
      path: `${backendPath(target.namespace)}/${target.name}`,
    });
  }

  /** Sends one write and notes what became of it; gives the status. */
  async #write(
    action: Action,
    target: Target,
    request: Pick<RestRequest, 'method' | 'path'> & { readonly body?: object | ((marker: string) => object) },
  ): Promise<number> {
    const { record, round, onAcknowledged } = this.#options;
    this.#count += 1;
    const marker = `w${round}-${this.#index}-${this.#count}`;
    const sent = record.send({ marker, action, target });
    const { method, path } = request;
    const body = typeof request.body === 'function' ? request.body(marker) : request.body;
    const answer = await this.#rest.send({ method, path, userAgent: marker, ...(body && { body }) });
    if (answer === undefined) throw new ServerGone();
    const { status, requestId } = answer;
    if (status !== 200 && status !== 201) {
      sent.refused(status);
      return status;
    }
    const version = action === 'delete' ? undefined : versionOf(answer.body);
    sent.acknowledged({ requestId, version });
    onAcknowledged?.();
    if (version === undefined) this.#versions.delete(backendKey(target));
    else this.#versions.set(backendKey(target), version);
    return status;
  }
}

function backendPath(namespace: string): string {
  return `/apis/agentgateway.dev/v1alpha1/namespaces/${namespace}/agentgatewaybackends`;
}

function backend({ namespace, name }: Target, marker: string, resourceVersion?: string): object {
  return {
    apiVersion: 'agentgateway.dev/v1alpha1',
    kind: 'AgentgatewayBackend',
    metadata: { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec: spec(marker),
  };
}

function spec(marker: string): object {
  return { static: { host: marker, port: 80 } };
}

/** Undefined when the answer broke off in its body: then the write is acknowledged, but its version is not known. */
function versionOf(body: unknown): number | undefined {
  if (body === undefined) return undefined;
  return Number((body as { readonly metadata: { readonly resourceVersion: string } }).metadata.resourceVersion);
}
