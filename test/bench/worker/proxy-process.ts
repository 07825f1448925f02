import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onServerCore } from '../xds/process-figures.ts';

/** Where a proxy leads, and where it listens. */
export type Places = {
  readonly backend: { readonly raw: number; readonly http: number };
  readonly tcp: number;
  readonly http1: number;
  readonly http2: number;
};

/** A proxy that runs on one core. */
export type RunningProxy = {
  /** Of the process that carries the bytes. */
  readonly pid: number;
  readonly ports: Pick<Places, 'tcp' | 'http1' | 'http2'>;
  /** Sets the TCP keepalive time of its clients' connections, in seconds, also of the open ones: the worker can. */
  changeKeepalive?(seconds: number): Promise<void>;
  stop(): Promise<void>;
};

/** The descriptors that a process may open here: two for each connection that a proxy carries. */
export const DESCRIPTORS = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
const READY_WITHIN_MS = 10_000;
const POLL_MS = 20;
const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Why a peer cannot be measured here; undefined when it can. */
export const missing = {
  haproxy: spawnSync('haproxy', ['-v']).status === 0 ? undefined : 'haproxy is not on PATH',
  nginx:
    spawnSync('nginx', ['-v']).status !== 0
      ? 'nginx is not on PATH'
      : existsSync(NGINX_STREAM)
        ? undefined
        : `nginx has no stream module at ${NGINX_STREAM} (libnginx-mod-stream)`,
} as const;

/** haproxy with one thread, and TCP keepalive as the worker's policy asks for it. */
export function startHaproxy(directory: string, { backend, tcp, http1, http2 }: Places): Promise<RunningProxy> {
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn ${Math.floor(DESCRIPTORS / 2) - 50}
defaults
  maxconn ${Math.floor(DESCRIPTORS / 2) - 50}
  timeout connect 10s
  timeout client 1h
  timeout server 1h
  option clitcpka
  option srvtcpka
  clitcpka-idle 30s
  clitcpka-intvl 5s
  clitcpka-cnt 3
frontend tcp
  mode tcp
  bind 127.0.0.1:${tcp}
  default_backend raw
backend raw
  mode tcp
  server one 127.0.0.1:${backend.raw}
frontend http1
  mode http
  bind 127.0.0.1:${http1}
  default_backend http
frontend http2
  mode http
  bind 127.0.0.1:${http2} proto h2
  default_backend http
backend http
  mode http
  http-reuse always
  server one 127.0.0.1:${backend.http}
`,
  );
  return start('haproxy', ['-db', '-f', file], { tcp, http1, http2 });
}

/** nginx with one worker, and TCP keepalive as the worker's policy asks for it. */
export function startNginx(directory: string, { backend, tcp, http1, http2 }: Places): Promise<RunningProxy> {
  const file = join(directory, 'nginx.conf');
  writeFileSync(
    file,
    `load_module ${NGINX_STREAM};
daemon off;
user root;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections ${DESCRIPTORS}; }
stream {
  server { listen 127.0.0.1:${tcp} so_keepalive=30s:5s:3; proxy_pass 127.0.0.1:${backend.raw}; proxy_timeout 1h; proxy_socket_keepalive on; tcp_nodelay on; }
}
http {
  access_log off;
  keepalive_requests 100000000;
  upstream backend { server 127.0.0.1:${backend.http}; keepalive 512; keepalive_requests 100000000; }
  server { listen 127.0.0.1:${http1}; location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; } }
  server { listen 127.0.0.1:${http2} http2; location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
`,
  );
  return start('nginx', ['-c', file], { tcp, http1, http2 });
}

async function start(command: string, args: readonly string[], ports: RunningProxy['ports']): Promise<RunningProxy> {
  const child: ChildProcess = spawn(...onServerCore(command, args), { stdio: ['ignore', 'ignore', 'inherit'] });
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      child.once('close', () => resolve());
      child.kill('SIGTERM');
    });
  const pid = child.pid ?? 0;
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await accepts(ports.tcp))) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${command} does not start`);
    await delay(POLL_MS);
  }
  // nginx's master holds no connections: its only child does.
  const [carrier = pid] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return { pid: Number(carrier), ports, stop };
}

/** Whether somebody listens on a port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
