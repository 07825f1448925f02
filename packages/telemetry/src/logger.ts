import { pino } from 'pino';

export type Logger = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A logger of one service: JSON lines on standard error, so that standard output stays for what a person reads.
 * Keys that may hold a secret are never written. `copy` gets each line too.
 */
export function createLogger(
  service: string,
  level: LogLevel,
  copy?: { readonly write: (line: string) => void },
): Logger {
  const stderr = pino.destination({ fd: 2, sync: true });
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['*.authorization', '*.token', '*.password', '*.privateKey'], censor: '[redacted]' },
    },
    copy === undefined
      ? stderr
      : {
          write: (line: string) => {
            stderr.write(line);
            copy.write(line);
          },
        },
  );
}
