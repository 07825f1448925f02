import type { GatewayName } from '@pulseplane/projection/gateway';
import type { Logger } from '@pulseplane/telemetry';
import { decodeResource } from '@pulseplane/wire';
import type { DiscoveryResponse, Rejection } from '@pulseplane/xds';
import type { ConfigurationFile } from '../saved/configuration-file.ts';
import type { AcceptedResources } from '../saved/saved-configuration.ts';
import { applyBatch, type Batch } from '../tables/apply-batch.ts';
import { EMPTY_TABLES } from '../tables/tables.ts';

/** Where the configuration in force comes from, and when the control plane said last that it is the one. */
export type ConfigurationOrigin = { readonly source: 'control_plane' | 'disk'; readonly acceptedAt: Date };

/** The configuration of a worker: from the control plane, or while that does not answer, the one it accepted last. */
export type Configuration = {
  /** Versions of what is known from the start, by resource name: only what differs has to come. */
  readonly held: ReadonlyMap<string, string>;
  /** Puts a response in force and says which of its resources cannot be. */
  take(response: Pick<DiscoveryResponse, 'resources' | 'removed'>): readonly Rejection[];
  /** Resolves when what was accepted last is saved, or cannot be. */
  close(): Promise<void>;
};

export type ConfigurationOptions = {
  readonly gateway: GatewayName;
  readonly file: ConfigurationFile;
  readonly logger: Logger;
  /** Puts a batch in force and says which of its resources cannot be. */
  readonly apply: (batch: Batch, origin: ConfigurationOrigin) => readonly Rejection[];
  /** How long the control plane may take before the worker starts without it, in milliseconds. */
  readonly answerWithinMs?: number;
  readonly now?: () => Date;
};

const ANSWER_WITHIN_MS = 1_000;

/**
 * Reads what an earlier worker saved, and starts from it when the control plane does not answer. An answer in time changes
 * it before it is in force, so that nothing outdated is ever served while the control plane is there.
 */
export function createConfiguration(options: ConfigurationOptions): Configuration {
  const { gateway, file, logger, apply, answerWithinMs = ANSWER_WITHIN_MS, now = () => new Date() } = options;
  const loaded = load(file, logger);
  let accepted: AcceptedResources = loaded?.accepted ?? new Map();
  /** Read and not in force. */
  let waiting = loaded;

  const startAlone = () => {
    if (waiting === undefined) return;
    const { updated, acceptedAt } = waiting;
    waiting = undefined;
    const ageSeconds = Math.round((now().getTime() - acceptedAt.getTime()) / 1_000);
    logger.warn(
      { acceptedAt, ageSeconds, resources: updated.length },
      'the control plane does not answer: the configuration that was accepted last is in force',
    );
    apply({ updated, removed: [] }, { source: 'disk', acceptedAt });
  };
  const timer = setTimeout(startAlone, answerWithinMs);

  return {
    held: new Map([...accepted].map(([name, { version }]) => [name, version])),
    take(response) {
      clearTimeout(timer);
      const acceptedAt = now();
      const { updated, rejections } = decode(response.resources);
      const removed = new Set(response.removed);
      const before = (waiting?.updated ?? []).filter(({ name }) => !removed.has(name));
      waiting = undefined;
      const batch = { updated: [...before, ...updated], removed: response.removed };
      const all = [...rejections, ...apply(batch, { source: 'control_plane', acceptedAt })];
      accepted = accept(accepted, response, all);
      file.save({ gateway, acceptedAt, resources: accepted });
      return all;
    },
    close() {
      clearTimeout(timer);
      return file.close();
    },
  };
}

/**
 * What a worker runs after a response: of a rejected resource its former version.
 */
function accept(
  before: AcceptedResources,
  { resources, removed }: Pick<DiscoveryResponse, 'resources' | 'removed'>,
  rejections: readonly Rejection[],
): AcceptedResources {
  const accepted = new Map(before);
  const rejected = new Set(rejections.map(({ name }) => name));
  for (const name of removed) accepted.delete(name);
  for (const { name, version, body } of resources) {
    // A copy: the bytes are a part of the whole message, which would stay as long as they do.
    if (!rejected.has(name)) accepted.set(name, { version, body: body.slice() });
  }
  return accepted;
}

type Named = Batch['updated'][number];
type Loaded = { readonly accepted: AcceptedResources; readonly updated: readonly Named[]; readonly acceptedAt: Date };

/** What was saved, as far as this worker takes it: the one that saved it may have been newer. */
function load(file: ConfigurationFile, logger: Logger): Loaded | undefined {
  const found = file.load();
  if (found.kind === 'none') return undefined;
  if (found.kind === 'unusable') {
    logger.error({ reason: found.reason }, 'the saved configuration cannot be used; the worker waits for another');
    return undefined;
  }
  const { resources, acceptedAt } = found.saved;
  const { updated, rejections } = decode([...resources].map(([name, resource]) => ({ name, ...resource })));
  const refused = [...rejections, ...applyBatch(EMPTY_TABLES, { updated, removed: [] }).rejects];
  for (const { name, error } of refused) logger.error({ resource: name, error }, 'a saved resource is left out');
  const names = new Set(refused.map(({ name }) => name));
  return {
    accepted: new Map([...resources].filter(([name]) => !names.has(name))),
    updated: updated.filter(({ name }) => !names.has(name)),
    acceptedAt,
  };
}

/** Nonsense rejects itself only. */
function decode(resources: readonly { readonly name: string; readonly version: string; readonly body: Uint8Array }[]): {
  readonly updated: readonly Named[];
  readonly rejections: readonly Rejection[];
} {
  const updated: Named[] = [];
  const rejections: Rejection[] = [];
  for (const { name, version, body } of resources) {
    const decoded = decodeResource(body);
    if (decoded.kind === 'decoded') updated.push({ name, version, resource: decoded.resource });
    else rejections.push({ name, error: decoded.error });
  }
  return { updated, rejections };
}
