import type { AgentgatewayPolicySpec } from '@pulseplane/resources';

/** The parts of a policy that are decided apart, in the order in which they are shown. */
export const SECTIONS = ['frontend.tcp', 'frontend.http'] as const;
export type Section = (typeof SECTIONS)[number];

/** The sections that a policy sets. */
export function setSections({ frontend }: AgentgatewayPolicySpec): readonly Section[] {
  const isSet = { 'frontend.tcp': frontend?.tcp !== undefined, 'frontend.http': frontend?.http !== undefined };
  return SECTIONS.filter((section) => isSet[section]);
}
