import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { needs, ROOT, type Skip } from '../system/tools.ts';

const { ENVOY_BIN: ENVOY = 'envoy' } = process.env;

/** Skips without a real Envoy, which ENVOY_BIN names or PATH has, and without ss. */
export function needsEnvoy(): Skip {
  const { status } = spawnSync(ENVOY, ['--version']);
  return status === 0 ? needs('ss') : 'no envoy on PATH or in ENVOY_BIN';
}

/** How long this Envoy lets connections live that it drains. */
export const DRAIN_SECONDS = 3;

/** An Envoy with the bootstrap of examples/envoy. */
export type EnvoyProcess = {
  readonly output: () => string;
  /** A counter or gauge; 0 when there is none of the name. */
  readonly stat: (name: string) => Promise<number>;
  /** Names of what it runs: `listeners`, `clusters`. */
  readonly names: (what: 'listeners' | 'clusters') => Promise<readonly string[]>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

export type EnvoyOptions = {
  /** Where it opens the gateway's ports. */
  readonly listenAddress?: string;
  /** `GRPC` is state of the world. */
  readonly apiType?: 'DELTA_GRPC' | 'GRPC';
};

export function spawnEnvoy(
  ports: { readonly xds: number; readonly admin: number },
  { listenAddress = '127.0.0.1', apiType = 'DELTA_GRPC' }: EnvoyOptions = {},
): EnvoyProcess {
  const bootstrap = readFileSync(join(ROOT, 'examples/envoy/envoy.yaml'), 'utf8')
    .replace('port_value: 9978', `port_value: ${ports.xds}`)
    .replace('port_value: 9901', `port_value: ${ports.admin}`)
    .replace('api_type: DELTA_GRPC', `api_type: ${apiType}`)
    .replace('LISTEN_ADDRESS: 127.0.0.1', `LISTEN_ADDRESS: ${listenAddress}`);
  const directory = mkdtempSync(join(tmpdir(), 'pulseplane-envoy-'));
  const file = join(directory, 'envoy.yaml');
  writeFileSync(file, bootstrap);
  const args = ['--concurrency', '1', '--drain-time-s', String(DRAIN_SECONDS), '--log-level', 'warning'];
  const child = spawn(ENVOY, ['-c', file, '--use-dynamic-base-id', '--reject-unknown-dynamic-fields', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const admin = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${ports.admin}${path}`)).text();
  return {
    output: () => text,
    stat: async (name) => Number(/: (\d+)/.exec(await admin(`/stats?filter=^${name}$`))?.[1] ?? 0),
    names: async (what) =>
      (await admin(`/${what}`)).split('\n').flatMap((line) => {
        const [name = ''] = line.split(what === 'listeners' ? '::1' : '::', 1);
        return name === '' ? [] : [name];
      }),
    [Symbol.asyncDispose]: async () => {
      await stop(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Seconds until the kernel's next keepalive probe, of each established connection that a filter of ss selects. */
export function keepaliveTimers(filter: string): readonly number[] {
  const { stdout } = spawnSync('ss', ['-Htno', 'state', 'established', `( ${filter} )`], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((line) => {
    const timer = /timer:\(keepalive,(?:(\d+)min)?(?:(\d+(?:\.\d+)?)(m?)sec|[\d.]+ms)?/.exec(line);
    if (timer === null) return [];
    assert.notEqual(timer[3], 'm', line);
    return [Number(timer[1] ?? 0) * 60 + Number(timer[2] ?? 0)];
  });
}
