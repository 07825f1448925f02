export type { Finding } from './finding.ts';
export { findingText, lintAnnotations, lintBackend, lintGateway } from './lint.ts';
export type { LintedPort } from './port-rules.ts';
export { RULE_IDS, RULES, type Rule, SEVERITIES } from './rule.ts';
