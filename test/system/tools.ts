import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout under test. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Why a test cannot run here, for node:test's `skip`; false when it can. */
export type Skip = string | false;

/** Skips when a command is not on PATH. */
export function needs(...commands: readonly string[]): Skip {
  const missing = commands.filter((command) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0);
  return missing.length > 0 && `${missing.join(' and ')} not found on PATH`;
}

/** Skips when somebody else listens on one of the ports that the tutorial names. */
export async function needsFreePorts(ports: readonly number[]): Promise<Skip> {
  for (const port of ports) {
    const busy = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(true));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(false)));
    });
    if (busy) return `port ${port} is in use on this machine`;
  }
  return false;
}

export type CommandResult = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs lines of bash as a person would paste them, with a home of its own (kubectl caches there). */
export function bash(script: string, env: Readonly<Record<string, string>> = {}): CommandResult {
  const { PATH = '' } = process.env;
  const home = mkdtempSync(join(tmpdir(), 'pulseplane-home-'));
  try {
    const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
      cwd: ROOT,
      env: { PATH, HOME: home, ...env },
      encoding: 'utf8',
      timeout: 120_000,
    });
    return { code: status, stdout, stderr };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
