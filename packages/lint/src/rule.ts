import type { Environment } from './environment.ts';

/** A warning is answered to who writes the object. What is only worth knowing is in the report alone. */
export type Severity = 'warning' | 'info';
export const SEVERITIES: readonly Severity[] = ['warning', 'info'];

/** A rule; what it compares is in `port-rules.ts`, `backend-rules.ts` and `annotation.ts`. */
export type Rule = {
  readonly severity: Severity;
  readonly text: string;
  /** Why it is so. */
  readonly source: string;
  /** The environments that it is about; none: it needs no annotation. */
  readonly about: readonly Environment['kind'][];
};

export const RULES = {
  order: {
    severity: 'warning',
    text: 'Who reuses idle HTTP/1 connections must give them up before the server behind it closes them, or a request meets a closed connection.',
    source: 'https://github.com/envoyproxy/envoy/issues/14981',
    about: ['http-proxy', 'app-server'],
  },
  nat: {
    severity: 'warning',
    text: 'The first probe or PING must come within 80 % of the time after which a middlebox forgets a silent connection.',
    source: 'https://github.com/istio/istio/issues/16572',
    about: ['middlebox'],
  },
  layer: {
    severity: 'warning',
    text: 'TCP keepalive ends at whoever ends the TCP connection, and some proxies do not count PINGs as use: then they keep no connection open.',
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/config-idle-timeout.html',
    about: ['middlebox', 'http-proxy'],
  },
  'grpc-floor': {
    severity: 'warning',
    text: 'PINGs, which come up to 15 % early, must not come faster than the peer allows.',
    source: 'https://github.com/grpc/grpc/blob/master/doc/keepalive.md',
    about: ['ping-police'],
  },
  strikes: {
    severity: 'warning',
    text: 'When PINGs come too fast, the peer closes a quiet connection after its strikes: interval x (strikes + 2).',
    source: 'https://github.com/envoyproxy/go-control-plane/issues/449',
    about: ['ping-police'],
  },
  'no-effect': {
    severity: 'warning',
    text: 'HTTP and TLS settings do nothing on ports that do not speak it.',
    source: 'https://gateway-api.sigs.k8s.io/reference/spec/#protocoltype',
    about: [],
  },
  detect: {
    severity: 'info',
    text: 'How long a dead peer stays unnoticed: time + interval x retries, or PING interval + timeout. While data is unacknowledged, TCP keepalive does not probe.',
    source: 'https://github.com/linkerd/linkerd2/issues/13023',
    about: [],
  },
  'ping-timeout': {
    severity: 'info',
    text: 'The PING timeout should be below the PING interval, or waiting for an answer takes the longer part of noticing a dead peer.',
    source:
      'https://github.com/envoyproxy/gateway/blob/d32f28294245e454d20f81d323d626a90e660c1e/api/v1alpha1/shared_types.go',
    about: [],
  },
  age: {
    severity: 'info',
    text: 'maxConnectionDuration has no jitter: connections that were opened together end together.',
    source: 'https://github.com/envoyproxy/envoy/issues/15283',
    about: [],
  },
  annotation: {
    severity: 'warning',
    text: 'Annotations name known environments, with times that these can have, and known rules.',
    source: 'https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/',
    about: [],
  },
} as const satisfies { readonly [id: string]: Rule };

export type RuleId = keyof typeof RULES;
export const RULE_IDS = Object.keys(RULES) as readonly RuleId[];

/** Whether a text is the id of a rule. */
export function isRuleId(text: string): text is RuleId {
  return Object.hasOwn(RULES, text);
}
