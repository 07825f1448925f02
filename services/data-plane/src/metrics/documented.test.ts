import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLOSE_REASONS } from '../connection/close-reason.ts';
import { createMetrics } from './metrics.ts';

const WORKER_MD = readFileSync(new URL('../../../../docs/worker.md', import.meta.url), 'utf8');

test('docs/worker.md says of each reason what it means and what to do, and names no other', () => {
  const table = WORKER_MD.split('## Why a connection ended')[1]?.split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| `(\w+)` \| \S.* \| \S.* \|$/gm)].map(([, reason]) => reason);
  assert.deepEqual(rows.sort(), [...CLOSE_REASONS].sort());
});

test('docs/worker.md says of each metric what it means, with its labels, and names no other', async () => {
  const { registry } = createMetrics({
    connections: () => [],
    upstreams: () => [],
    binds: () => [],
    counts: () => ({ open: 0, closes: new Map(), socketOptionErrors: 0, policies: new Map() }),
    configuration: () => undefined,
    isConnected: () => false,
  });
  const own = registry.getMetricsAsArray().filter(({ name }) => name.startsWith('pulseplane_'));
  const written = own.map((metric) => {
    const labels = 'labelNames' in metric ? (metric.labelNames as readonly string[]) : [];
    return labels.length === 0 ? metric.name : `${metric.name}{${labels.join(',')}}`;
  });
  const table = WORKER_MD.split('## Metrics')[1]?.split('\n## ')[0] ?? '';
  const rows = [...table.matchAll(/^\| (`pulseplane_.*?) \| \S.* \| .*\|$/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  assert.deepEqual(rows.sort(), written.sort());
});
