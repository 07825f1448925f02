import type { AgentgatewayPolicySpec } from '@pulseplane/resources';

/** The parts of a policy that are decided apart, in the order in which they are shown. */
export const FRONTEND_SECTIONS = ['frontend.tcp', 'frontend.http', 'frontend.tls', 'frontend.proxyProtocol'] as const;
export const BACKEND_SECTIONS = ['backend.tcp', 'backend.http'] as const;
export type FrontendSection = (typeof FRONTEND_SECTIONS)[number];
export type BackendSection = (typeof BACKEND_SECTIONS)[number];
export type Section = FrontendSection | BackendSection;

/** The sections that a policy sets. */
export function setSections({ frontend, backend }: AgentgatewayPolicySpec): readonly Section[] {
  const isSet: { readonly [Name in Section]: boolean } = {
    'frontend.tcp': frontend?.tcp !== undefined,
    'frontend.http': frontend?.http !== undefined,
    'frontend.tls': frontend?.tls !== undefined,
    'frontend.proxyProtocol': frontend?.proxyProtocol !== undefined,
    'backend.tcp': backend?.tcp !== undefined,
    'backend.http': backend?.http !== undefined,
  };
  return [...FRONTEND_SECTIONS, ...BACKEND_SECTIONS].filter((section) => isSet[section]);
}

export function isFrontendSection(section: Section): section is FrontendSection {
  return (FRONTEND_SECTIONS as readonly string[]).includes(section);
}
