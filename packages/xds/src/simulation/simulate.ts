import assert from 'node:assert/strict';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import type { DiscoveryRequest, DiscoveryResponse, Variant } from '../protocol/message.ts';
import {
  CLUSTER_TYPE_URL,
  ENDPOINT_TYPE_URL,
  LISTENER_TYPE_URL,
  ROUTE_TYPE_URL,
  traitsOf,
} from '../protocol/resource-types.ts';
import { NO_RESOURCES } from '../protocol/resources.ts';
import { stepServer } from '../protocol/server.ts';
import { initialServerState, type ServerState } from '../protocol/server-state.ts';
import { type Unsettled, unsettled } from '../protocol/subscription.ts';
import { chance, pick, subset } from './random.ts';
import { type Refusal, SimulatedType } from './simulated-client.ts';
import { GATEWAY_TYPE, meaningOf, NAMES, nextWorld, type World } from './world.ts';

/** What a run came to. */
export type Counts = { readonly messages: number; readonly connections: number };

/** A stream between one client and the server: messages on it keep their order, and are delayed at will. */
type Link = {
  state: ServerState;
  readonly toServer: DiscoveryRequest[];
  readonly toClient: DiscoveryResponse[];
};

type Peer = {
  readonly role: string;
  readonly variant: Variant;
  readonly types: ReadonlyMap<string, SimulatedType>;
  /** By type for services for single types; else one for all. */
  readonly links: Map<string, Link>;
  readonly perType: boolean;
  /** Whether its routes can be held against its clusters. */
  ordered: boolean;
  /** What the server remembers of it. */
  readonly memory: Map<string, Unsettled>;
};

const ENVOY_TYPES = [CLUSTER_TYPE_URL, ENDPOINT_TYPE_URL, LISTENER_TYPE_URL, ROUTE_TYPE_URL] as const;
const ROLES = ['ns~one', 'ns~two'] as const;

/** Bounds that a healthy run stays far below. */
const MAX_MESSAGES_TO_REST = 500;

/**
 * Runs both ends against each other through a network that delays, drops connections, repeats requests and mixes
 * streams, from a seed. Throws an AssertionError when a rule is broken.
 */
export function simulate(seed: number): Counts {
  // Of generators with a small state, neighbouring seeds begin with the same numbers.
  const run = new Run(mersenne(seed));
  return run.run();
}

class Run {
  readonly #random: RandomGenerator;
  readonly #worlds = new Map<string, World>();
  readonly #peers: readonly Peer[];
  readonly #faults: boolean;
  #now = 0;
  #messages = 0;
  #connections = 0;

  constructor(random: RandomGenerator) {
    this.#random = random;
    this.#faults = chance(random, 0.7);
    for (const role of ROLES) this.#worlds.set(role, nextWorld(random, role, new Map(), this.#faults));
    this.#peers = Array.from({ length: uniformInt(random, 1, 3) }, () => this.#newPeer());
  }

  run(): Counts {
    for (const peer of this.#peers) this.#connect(peer);
    const steps = uniformInt(this.#random, 20, 79);
    for (let step = 0; step < steps; step += 1) this.#act();
    for (const peer of this.#peers)
      for (const key of [...peer.links.keys()]) if (!peer.links.has(key)) this.#connect(peer);
    this.#settle();
    if (!this.#faults) this.#check();
    // Whatever was refused, and however vaguely: a world without faults comes through.
    for (const role of ROLES) this.#publish(role, false, true);
    this.#settle();
    this.#check();
    return { messages: this.#messages, connections: this.#connections };
  }

  #newPeer(): Peer {
    const random = this.#random;
    const variant: Variant = chance(random, 0.5) ? 'delta' : 'sotw';
    const role = pick(random, ROLES);
    const refusal = pick<Refusal>(random, ['lists', 'lists', 'applies-nothing', 'applies-the-good']);
    const perType = chance(random, 0.25);
    const type = (typeUrl: string, names?: ReadonlySet<string>): [string, SimulatedType] => [
      typeUrl,
      new SimulatedType(typeUrl, variant, role, refusal, names),
    ];
    const types = chance(random, 0.5)
      ? [type(GATEWAY_TYPE), type(ENDPOINT_TYPE_URL, subset(random, NAMES))]
      : [
          type(CLUSTER_TYPE_URL),
          type(ENDPOINT_TYPE_URL, new Set(NAMES)),
          type(LISTENER_TYPE_URL),
          type(ROUTE_TYPE_URL, new Set(['r'])),
        ];
    const ordered = !this.#faults && !perType && types.length === ENVOY_TYPES.length;
    return { role, variant, types: new Map(types), links: new Map(), perType, ordered, memory: new Map() };
  }

  #act(): void {
    const random = this.#random;
    const choice = uniformFloat64(random);
    if (choice < 0.15) this.#publish(pick(random, ROLES), this.#faults, false);
    else if (choice < 0.2) this.#drop();
    else if (choice < 0.27) this.#resubscribe();
    else if (choice < 0.3) this.#repeat();
    else if (choice < 0.33) this.#pass(uniformInt(random, 0, 1_999));
    else this.#deliver();
  }

  #publish(role: string, faults: boolean, all: boolean): void {
    const before = all ? new Map() : (this.#worlds.get(role) ?? new Map());
    const world = nextWorld(this.#random, role, before, faults);
    this.#worlds.set(role, world);
    for (const peer of this.#peers) {
      if (peer.role !== role) continue;
      for (const link of peer.links.values()) this.#feed(link, { kind: 'view', resources: world, now: this.#now });
    }
  }

  #connect(peer: Peer): void {
    const keys = peer.perType ? [...peer.types.keys()] : [''];
    for (const key of keys) {
      if (peer.links.has(key)) continue;
      this.#connections += 1;
      const link: Link = { state: initialServerState(peer.variant, key || undefined), toServer: [], toClient: [] };
      peer.links.set(key, link);
      for (const [typeUrl, type] of peer.types)
        if (!peer.perType || typeUrl === key) link.toServer.push(type.connect());
    }
  }

  /** A connection ends: what was on the way is lost, and the client comes again. */
  #drop(): void {
    const peer = pick(this.#random, this.#peers);
    const links = [...(peer?.links ?? [])];
    const found = pick(this.#random, links);
    if (peer === undefined || found === undefined) return;
    const [key, link] = found;
    for (const type of link.state.types) peer.memory.set(type.typeUrl, unsettled(type));
    peer.links.delete(key);
    this.#connect(peer);
  }

  #resubscribe(): void {
    const peer = pick(this.#random, this.#peers);
    const type = peer?.types.get(ENDPOINT_TYPE_URL);
    if (peer === undefined || type === undefined || peer.types.size > 2) return;
    const request = type.subscribe(subset(this.#random, NAMES));
    peer.links.get(peer.perType ? ENDPOINT_TYPE_URL : '')?.toServer.push(request);
  }

  /** A client says again what it said last, as some do. */
  #repeat(): void {
    const links = this.#peers.flatMap(({ links: own }) => [...own.values()]);
    const link = pick(this.#random, links);
    const last = link?.toServer.at(-1);
    if (link !== undefined && last !== undefined && last.variant === 'sotw') link.toServer.push(last);
  }

  #pass(milliseconds: number): void {
    this.#now += milliseconds;
    for (const { links } of this.#peers) {
      for (const link of links.values()) this.#feed(link, { kind: 'time', now: this.#now });
    }
  }

  /** One message arrives, on any stream. False when nothing is on the way. */
  #deliver(): boolean {
    const ways = this.#peers.flatMap((peer) =>
      [...peer.links.values()].flatMap((link) => [
        ...(link.toServer.length > 0 ? [{ peer, link, up: true }] : []),
        ...(link.toClient.length > 0 ? [{ peer, link, up: false }] : []),
      ]),
    );
    const way = pick(this.#random, ways);
    if (way === undefined) return false;
    this.#messages += 1;
    const { peer, link, up } = way;
    if (up) this.#arriveAtServer(peer, link);
    else this.#arriveAtClient(peer, link);
    return true;
  }

  #arriveAtServer(peer: Peer, link: Link): void {
    const request = link.toServer.shift();
    if (request === undefined) return;
    peer.types.get(request.typeUrl)?.arrived(request.nonce);
    const resources = this.#worlds.get(peer.role)?.get(request.typeUrl) ?? NO_RESOURCES;
    const remembered = peer.memory.get(request.typeUrl);
    const more = remembered === undefined ? {} : { unsettled: remembered };
    this.#feed(link, { kind: 'request', request, resources, ...more, now: this.#now });
  }

  #arriveAtClient(peer: Peer, link: Link): void {
    const response = link.toClient.shift();
    const type = response && peer.types.get(response.typeUrl);
    assert(response !== undefined && type !== undefined, `${response?.typeUrl} was not asked for`);
    link.toServer.push(type.take(response));
    checkOrder(peer);
  }

  #feed(link: Link, input: Parameters<typeof stepServer>[1]): void {
    const step = stepServer(link.state, input);
    link.state = step.state;
    for (const output of step.outputs) {
      assert.notEqual(output.kind, 'close', 'a stream was closed');
      if (output.kind !== 'respond') continue;
      const { typeUrl } = output.response;
      assert(!link.toClient.some((other) => other.typeUrl === typeUrl), `two responses of ${typeUrl} are on the way`);
      link.toClient.push(output.response);
    }
  }

  #settle(): void {
    for (let rounds = 0; rounds < 4; rounds += 1) {
      const before = this.#messages;
      while (this.#deliver()) {
        assert(this.#messages - before < MAX_MESSAGES_TO_REST, 'the ends do not come to rest');
      }
      // Longer than a client is waited for to come back with all of its types.
      this.#pass(300);
    }
  }

  /** The client's tables are the server's view, as far as the protocol can say it. */
  #check(): void {
    for (const { role, variant, types } of this.#peers) {
      for (const [typeUrl, { tables, names }] of types) {
        const view = this.#worlds.get(role)?.get(typeUrl) ?? NO_RESOURCES;
        for (const [name, { version }] of view) {
          if (names === undefined || names.has(name)) assert.equal(tables.get(name), version, `${typeUrl} ${name}`);
        }
        if (variant === 'sotw' && !traitsOf(typeUrl).fullState) continue;
        for (const name of tables.keys()) assert(view.has(name), `${typeUrl} ${name} should be gone`);
      }
    }
  }
}

/** A route that is in force leads to a cluster that is in force (C49). */
function checkOrder(peer: Peer): void {
  const { types, variant } = peer;
  // In state of the world a route cannot be taken away, and what a returning client holds is not known.
  const listeners = types.get(LISTENER_TYPE_URL)?.tables.size ?? 0;
  const routes = types.get(ROUTE_TYPE_URL)?.tables ?? new Map<string, string>();
  if (variant === 'sotw' && ((listeners === 0 && routes.size > 0) || peer.memory.size > 0)) peer.ordered = false;
  if (!peer.ordered) return;
  const clusters = types.get(CLUSTER_TYPE_URL)?.tables;
  for (const [name, version] of routes) {
    const { to } = meaningOf(version);
    assert(to === undefined || clusters?.has(to), `route ${name} leads to cluster ${to}, which is not there`);
  }
}
