import { setTimeout as delay } from 'node:timers/promises';
import { say } from '../part.ts';
import { median } from '../rounds.ts';
import { residentBytes } from '../xds/process-figures.ts';
import { NAMES, type Name, type Part, row, startContender, versus } from './contenders.ts';
import { type Held, hold } from './load.ts';
import { measurePolicy, type PolicyFigures } from './policy.ts';

/** What a proxy does after connections were made is over by then; a heap that has grown for them may shrink later. */
const REST_MS = 2_000;

type Figures = { readonly few: number; readonly many: number };

/** Memory for a connection that is carried and silent; and what a policy takes that reaches all of them. */
export const idle: Part = async (directory, { rounds, few, connections, changes }) => {
  const found = new Map<Name, Figures[]>(NAMES.map((name) => [name, []]));
  const policies: PolicyFigures[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const name of NAMES) {
      const proxy = await startContender(name, directory);
      const held = hold('tcp', proxy.ports.tcp);
      try {
        const empty = residentBytes(proxy.pid);
        const grown = async (count: number): Promise<number> => {
          await openAll(name, held, count);
          await delay(REST_MS);
          return (residentBytes(proxy.pid) - empty) / count;
        };
        found.get(name)?.push({ few: await grown(few), many: await grown(connections) });
        if (proxy.changeKeepalive)
          policies.push(await measurePolicy(proxy.ports.tcp, proxy.changeKeepalive, { connections, changes }));
      } finally {
        await held.stop();
        await proxy.stop();
      }
    }
  }
  const middle = (of: keyof Figures) => (name: Name) => median((found.get(name) ?? []).map((figures) => figures[of]));
  say('\nMemory for an idle proxied connection, KB');
  row('', `${few} open`, `${connections} open`);
  for (const name of NAMES) {
    row(name, ...(['few', 'many'] as const).map((of) => (middle(of)(name) / 1024).toFixed(2)));
  }
  const policy = (of: keyof PolicyFigures): number => median(policies.map((figures) => figures[of]));
  say(
    `A policy is on ${connections} open connections ${(policy('seconds') * 1000).toFixed(0)} ms after its PATCH began; a byte there and back took ${policy('longestWaitMs').toFixed(1)} ms at most meanwhile, ${policy('usualWaitMs').toFixed(1)} ms at most without`,
  );
  const present = (name: Name) => (NAMES.includes(name) ? name : undefined);
  return {
    ...(present('nginx') && versus('memory_per_connection', 'nginx', middle('many'))),
    ...(present('nginx') && versus('memory_per_connection_few', 'nginx', middle('few'))),
    ...(present('haproxy') && versus('memory_per_connection', 'haproxy', middle('many'))),
    policy_seconds: policy('seconds'),
    policy_longest_wait_ms: policy('longestWaitMs'),
  };
};

/** Throws when the other side closed one. */
export async function openAll(name: string, held: Held, count: number): Promise<void> {
  const { open, closed } = await held.grow(count);
  if (open !== count) throw new Error(`${name} holds ${open} of ${count} connections, ${closed} were closed`);
}
