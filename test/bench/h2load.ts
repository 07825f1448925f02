import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { percentile } from './rounds.ts';

/** For so long nothing is counted. */
export const WARM_UP_SECONDS = 1;

/** A request that is sent again and again. */
export type LoadRequest = {
  readonly url: string;
  readonly headers: readonly string[];
  /** With it, it is a POST. */
  readonly body?: Buffer;
  /** HTTP/1.1; else HTTP/2 with prior knowledge. */
  readonly http1: boolean;
  /** How many each connection has under way; one when left out. */
  readonly streams?: number;
};

/** One client for every server that is compared: one connection a writer, each waiting for its answer. */
export const h2load = {
  available: spawnSync('h2load', ['--version']).status === 0,

  async run(request: LoadRequest, writers: number, seconds: number) {
    const directory = mkdtempSync(join(tmpdir(), 'pulseplane-h2load-'));
    const log = join(directory, 'log');
    const body = request.body === undefined ? [] : ['-d', join(directory, 'body')];
    if (request.body !== undefined) writeFileSync(join(directory, 'body'), request.body);
    const { status, stdout, stderr } = spawnSync(
      'h2load',
      [
        ...['-t1', '-m', String(request.streams ?? 1), '-c', String(writers), '-D', String(seconds)],
        ...['--warm-up-time', String(WARM_UP_SECONDS), '--log-file', log, ...(request.http1 ? ['--h1'] : []), ...body],
        ...request.headers.flatMap((header) => ['-H', header]),
        request.url,
      ],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`h2load failed: ${stderr}${stdout}`);
    // Lines of: start in µs, status, duration in µs.
    const lines = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t').map(Number));
    rmSync(directory, { recursive: true });
    // 0: its head came while the warm-up lasted, and h2load does not look at it; -1: it failed.
    const failed = lines.filter(([, code = 0]) => code !== 0 && (code < 200 || code > 299)).length;
    if (failed > 0) throw new Error(`${failed} of ${lines.length} requests to ${request.url} failed`);
    const latencies = lines.map(([, , duration = 0]) => duration / 1000);
    return {
      perSecond: lines.length / seconds,
      p50Ms: percentile(latencies, 0.5),
      p99Ms: percentile(latencies, 0.99),
    };
  },
};
