import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { Client, type ClientDuplexStream, credentials, type ServiceError } from '@grpc/grpc-js';
import {
  aggregatedService,
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  type DiscoveryService,
} from '@pulseplane/wire';
import type { Variant } from '../protocol/message.ts';
import { ROLE, TYPES } from './served-world.ts';

type Response = DeltaDiscoveryResponse | DiscoveryResponse;
type Request = DeltaDiscoveryRequest | DiscoveryRequest;

/** A request in short: `names` subscribes, with the whole list in state of the world. */
export type Asked = {
  readonly names?: readonly string[];
  readonly unsubscribe?: readonly string[];
  /** What is held, by name; delta only. */
  readonly held?: Readonly<Record<string, string>>;
  /** What runs; state of the world only. */
  readonly version?: string;
  readonly nonce?: string;
  readonly error?: string;
  /** A field that the message does not have; delta only. */
  readonly unknown?: { readonly no: number; readonly data: Uint8Array };
  /** Another node than the first request's; null for none. */
  readonly node?: MessageInitShape<typeof DeltaDiscoveryRequestSchema>['node'] | null;
};

export type StreamOptions = {
  readonly service?: DiscoveryService;
  readonly role?: string;
  readonly node?: string;
  /** Streams of one client share its connection. */
  readonly client?: Client;
};

/** How long something may take before the test fails, and how long nothing must come where no fence can be used. */
const PATIENCE_MS = 5_000;
const QUIET_MS = 50;

/** A client's stream of either variant as it is on the wire: it sends what the test says, and nothing by itself. */
export class RawStream {
  readonly #variant: Variant;
  readonly #stream: ClientDuplexStream<Request, Response>;
  readonly #aggregated: boolean;
  readonly #received: Response[] = [];
  readonly #last = new Map<string, Response>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #node: { readonly id: string; readonly metadata: { readonly role: string } };
  readonly failure: Promise<ServiceError>;
  #first = true;
  #fences = 0;

  constructor(context: TestContext, port: number, variant: Variant, options: StreamOptions = {}) {
    const { service = aggregatedService, role = ROLE, node = 'node-1' } = options;
    this.#variant = variant;
    this.#aggregated = service.only === undefined;
    this.#node = { id: node, metadata: { role } };
    const client = options.client ?? new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const method = variant === 'delta' ? service.delta.method : service.sotw?.method;
    assert(method !== undefined, `there is no ${variant} method`);
    // Which of the two it is, the variant says.
    const { path, requestSerialize, responseDeserialize } = method as typeof service.delta.method;
    this.#stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize) as ClientDuplexStream<
      Request,
      Response
    >;
    this.failure = new Promise((resolve) => this.#stream.on('error', resolve));
    this.#stream.on('data', (response: Response) => {
      this.#received.push(response);
      this.#last.set(response.typeUrl, response);
    });
    context.after(() => {
      this.close();
      if (options.client === undefined) client.close();
    });
  }

  /** Sends a request. The node goes with the first. */
  ask(short: string, asked: Asked = {}): void {
    const typeUrl = TYPES[short] ?? short;
    const node = asked.node === undefined ? (this.#first ? this.#node : undefined) : (asked.node ?? undefined);
    this.#first = false;
    const common = {
      typeUrl,
      responseNonce: asked.nonce ?? '',
      ...(node !== undefined && { node }),
      ...(asked.error !== undefined && { errorDetail: { code: 13, message: asked.error } }),
    };
    if (asked.names !== undefined) this.#names.set(typeUrl, asked.names);
    this.#stream.write(
      this.#variant === 'delta'
        ? create(DeltaDiscoveryRequestSchema, {
            ...common,
            resourceNamesSubscribe: [...(asked.names ?? [])],
            resourceNamesUnsubscribe: [...(asked.unsubscribe ?? [])],
            initialResourceVersions: { ...asked.held },
            ...(asked.unknown !== undefined && {
              $unknown: [{ ...asked.unknown, wireType: WireType.LengthDelimited }],
            }),
          })
        : create(DiscoveryRequestSchema, {
            ...common,
            resourceNames: [...(asked.names ?? this.#names.get(typeUrl) ?? [])],
            versionInfo: asked.version ?? '',
          }),
    );
  }

  /** Accepts the newest response of a type, with anything else that is to be said. */
  ack(short: string, asked: Asked = {}): void {
    const { nonce, version } = this.last(short);
    this.ask(short, { nonce, version, ...asked });
  }

  /** Rejects it. */
  nack(short: string, error: string, asked: Asked = {}): void {
    this.ask(short, { nonce: this.last(short).nonce, error, ...asked });
  }

  /** The newest response of a type. */
  last(short: string): { readonly nonce: string; readonly version: string; readonly message: Response } {
    const message = this.#last.get(TYPES[short] ?? short);
    assert(message !== undefined, `no ${short} response has come`);
    return { nonce: message.nonce, version: versionOf(message), message };
  }

  /** The next response, in short: `CDS a@1 b@2 -c`. */
  async next(): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.#received.length === 0) {
      assert(Date.now() < deadline, `nothing came within ${PATIENCE_MS} ms`);
      await sleep(2);
    }
    const response = this.#received.shift();
    assert(response !== undefined);
    return inShort(response);
  }

  /**
   * What has come by now, with all that the server had to say when it took the requests so far: another type is asked
   * for, whose answer comes behind all others.
   */
  async settled(): Promise<readonly string[]> {
    if (!this.#aggregated) {
      await sleep(QUIET_MS);
      return this.#received.splice(0).map(inShort);
    }
    const typeUrl = TYPES['FENCE'] ?? '';
    const name = `f${this.#fences}`;
    this.#fences += 1;
    if (this.#last.has(typeUrl)) this.ack('FENCE', { names: [name] });
    else this.ask('FENCE', { names: [name] });
    const seen: string[] = [];
    for (;;) {
      const next = await this.next();
      if (next === `FENCE ${name}@1`) return seen;
      seen.push(next);
    }
  }

  /** Fails when anything has come. */
  async quiet(): Promise<void> {
    assert.deepEqual(await this.settled(), [], 'nothing was expected');
  }

  /** Stops reading, and starts again. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  close(): void {
    this.#stream.cancel();
  }
}

function versionOf(response: Response): string {
  return 'versionInfo' in response ? response.versionInfo : response.systemVersionInfo;
}

function inShort(response: Response): string {
  const short = Object.entries(TYPES).find(([, typeUrl]) => typeUrl === response.typeUrl)?.[0] ?? response.typeUrl;
  const names =
    'removedResources' in response
      ? [
          ...response.resources.map(({ name, version }) => `${name}@${version}`).sort(),
          ...response.removedResources.map((name) => `-${name}`).sort(),
        ]
      : response.resources.map(({ value }) => Buffer.from(value).toString()).sort();
  return [short, ...names].join(' ');
}

/** Waits for something, and fails when it does not come. */
export async function until(holds: () => boolean, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!holds()) {
    assert(Date.now() < deadline, `did not happen within ${patienceMs} ms`);
    await sleep(5);
  }
}
