import { SEED } from '../system/seed.ts';

/** TCP keepalive as a policy says it, in seconds, and as the kernel has it. */
export type Keepalive = {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly probes: number;
};

const POLICY = {
  apiVersion: 'agentgateway.dev/v1alpha1',
  kind: 'AgentgatewayPolicy',
  metadata: { name: SEED.policy },
} as const;
const TARGET = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gateway' } as const;
/** One change in so many takes the policy away, and the next one brings another. */
const REMOVAL_EVERY = 10;

/** Changes the policy of all connections through the API, to values under which no healthy connection ends. */
export function policyChanges(api: string) {
  const policies = `${api}${SEED.policies}`;
  const policy = `${policies}/${SEED.policy}`;
  let isThere = true;
  let changes = 0;

  const send = async (method: string, url: string, body?: object): Promise<void> => {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const response = await fetch(url, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': contentType } }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  };

  /** Gives the keepalive that it asks for; undefined when it takes the policy away. */
  const next = async (): Promise<Keepalive | undefined> => {
    changes += 1;
    if (isThere && changes % REMOVAL_EVERY === 0) {
      await send('DELETE', policy);
      isThere = false;
      return undefined;
    }
    const keepalive = { idleSeconds: between(60, 600), intervalSeconds: between(5, 30), probes: between(3, 9) };
    const spec = { targetRefs: [TARGET], frontend: frontend(keepalive) };
    if (isThere) await send('PATCH', policy, { spec });
    else await send('POST', policies, { ...POLICY, spec });
    isThere = true;
    return keepalive;
  };
  return { next, count: () => changes };
}

function frontend({ idleSeconds, intervalSeconds, probes }: Keepalive): object {
  return {
    tcp: { keepalive: { time: `${idleSeconds}s`, interval: `${intervalSeconds}s`, retries: probes } },
    http: {
      http2KeepaliveInterval: `${between(2, 20)}s`,
      http2KeepaliveTimeout: `${between(20, 40)}s`,
      http1IdleTimeout: `${between(300, 900)}s`,
      maxConnectionDuration: `${between(3, 9)}h`,
    },
  };
}

function between(low: number, high: number): number {
  return low + Math.floor(Math.random() * (high - low + 1));
}
