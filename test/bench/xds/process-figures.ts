import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Linux says CPU time in these, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

/** CPU time of all threads of a process, in microseconds; it comes in steps of 10,000. */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // utime and stime, fields 14 and 15 of proc_pid_stat(5).
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

/** The memory that a process has in RAM, in bytes. */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Whether servers can have a core of their own, beside the one of the clients. */
export const PINNED = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

const SERVER_CORE = '0';
const CLIENT_CORE = '1';

/** A program's command on the servers' core. */
export function onServerCore(command: string, args: readonly string[]): readonly [string, readonly string[]] {
  return PINNED ? ['taskset', ['-c', SERVER_CORE, command, ...args]] : [command, args];
}

/** Puts this process, and what it starts from now on, on the clients' core. */
export function moveToClientCore(): void {
  if (PINNED) spawnSync('taskset', ['-a', '-p', '-c', CLIENT_CORE, String(process.pid)]);
}
