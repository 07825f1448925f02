export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logger.ts';
export { type RecentLine, RecentLines } from './recent-lines.ts';
