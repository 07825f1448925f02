import { isIP } from 'node:net';
import { LOG_LEVELS, type LogLevel } from '@pulseplane/telemetry';
import { Command, Option } from 'commander';

/**
 * The settings of one program: each a flag and an environment variable (the flag wins).
 * Problems are collected, so that a person hears of all of them at once.
 */
export class Settings {
  readonly command: Command;
  readonly #problems: string[] = [];

  /** `argv0` is how the program is called in its help. */
  constructor(argv0: string, description: string) {
    this.command = new Command(argv0)
      .description(description)
      .allowExcessArguments(false)
      .configureOutput({ writeErr: (text) => process.stderr.write(text.replace(/^error:/, `${argv0}:`)) })
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  }

  /** A TCP port. */
  port(flag: string, env: string, description: string, fallback: number): this {
    return this.#add(new Option(`--${flag} <port>`, description).env(env).default(fallback), (text) => {
      const port = Number(text);
      if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
      this.#problems.push(`--${flag} (${env}): ${JSON.stringify(text)} is not a port from 1 to 65535`);
      return fallback;
    });
  }

  /** A whole number of at least 1. */
  count(flag: string, env: string, description: string, fallback: number): this {
    return this.#add(new Option(`--${flag} <n>`, description).env(env).default(fallback), (text) => {
      if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
      this.#problems.push(`--${flag} (${env}): ${JSON.stringify(text)} is not a whole number of at least 1`);
      return fallback;
    });
  }

  /** An IP address to listen on. */
  address(flag: string, env: string, description: string, fallback: string): this {
    return this.#add(new Option(`--${flag} <ip>`, description).env(env).default(fallback), (text) => {
      if (isIP(text) !== 0) return text;
      this.#problems.push(`--${flag} (${env}): ${JSON.stringify(text)} is not an IP address`);
      return fallback;
    });
  }

  /** Where another program listens: `host:port`, an IPv6 address in brackets. */
  endpoint(flag: string, env: string, description: string, fallback: string): this {
    return this.#add(new Option(`--${flag} <host:port>`, description).env(env).default(fallback), (text) => {
      const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})$/i.exec(text) ?? [];
      if (host === '' || Number(port) < 1 || Number(port) > 65_535) {
        this.#problems.push(`--${flag} (${env}): ${JSON.stringify(text)} is not <host>:<port>`);
      }
      return text;
    });
  }

  /** Any text but an empty one. */
  text(flag: string, env: string, placeholder: string, description: string, fallback?: string): this {
    return this.#add(new Option(`--${flag} <${placeholder}>`, description).env(env).default(fallback), (text) => {
      if (text === '') this.#problems.push(`--${flag} (${env}): must not be empty`);
      return text;
    });
  }

  /** Any number of texts: the flag is repeated, the environment variable separates them by commas. */
  texts(flag: string, env: string, placeholder: string, description: string): this {
    const none: readonly string[] = [];
    return this.#add(new Option(`--${flag} <${placeholder}>`, description).env(env).default(none), (text, before) => [
      ...(Array.isArray(before) ? before : none),
      ...text.split(',').filter((part) => part !== ''),
    ]);
  }

  /** Off unless given. The environment variable is read too: `0` and `false` must not switch it on. */
  flag(flag: string, env: string, description: string): this {
    const option = new Option(`--${flag} [true|false]`, description).env(env).preset('true').default(false);
    return this.#add(option, (text) => {
      if (['true', '1', 'false', '0'].includes(text)) return text === 'true' || text === '1';
      this.#problems.push(`--${flag} (${env}): ${JSON.stringify(text)} is not true or false`);
      return false;
    });
  }

  logLevel(): this {
    return this.#add(
      new Option('--log-level <level>', `one of ${LOG_LEVELS.join(', ')}`).env('PULSEPLANE_LOG_LEVEL').default('info'),
      (text) => {
        if (!isLogLevel(text))
          this.#problems.push(
            `--log-level (PULSEPLANE_LOG_LEVEL): ${JSON.stringify(text)} is not one of ${LOG_LEVELS.join(', ')}`,
          );
        return text;
      },
    );
  }

  /**
   * Until there is authentication, listening beyond loopback must be asked for by name.
   * Adds `--insecure` and the rule; call after the addresses.
   */
  insecure(): this {
    return this.flag(
      'insecure',
      'PULSEPLANE_INSECURE',
      'allow listening beyond loopback although nobody is authenticated',
    );
  }

  /** Parses, and ends the process with code 2 and one line when something is wrong. `Values` names the flags in camel case. */
  parse<Values extends object>(
    argv: readonly string[],
    addresses: readonly (keyof Values & string)[],
  ): Readonly<Values> {
    this.command.parse(argv, { from: 'user' });
    const values = this.command.opts<Values & { insecure?: unknown }>();
    const open = addresses.filter((name) => !isLoopback(String(values[name])));
    if (values.insecure !== true) {
      for (const name of open) {
        this.#problems.push(
          `${name}: ${values[name]} is not a loopback address; nobody is authenticated there, so it needs --insecure`,
        );
      }
    }
    if (this.#problems.length > 0) refuse(this.command.name(), this.#problems.join('; '));
    for (const name of open) {
      process.stderr.write(
        `${this.command.name()}: WARNING: INSECURE: ${name} ${values[name]} is open to everybody who can reach it, without authentication\n`,
      );
    }
    return Object.freeze(values);
  }

  #add(option: Option, parse: (text: string, before: unknown) => unknown): this {
    this.command.addOption(option.argParser(parse));
    return this;
  }
}

/** Ends the process with code 2 and one line on standard error: the caller asked for something that cannot be. */
export function refuse(program: string, problem: string): never {
  process.stderr.write(`${program}: ${problem}\n`);
  process.exit(2);
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^127\.\d+\.\d+\.\d+$/.test(address);
}

function isLogLevel(text: string): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text);
}
