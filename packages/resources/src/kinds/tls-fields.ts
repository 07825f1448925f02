import { Type } from '../typebox.ts';
import { choice } from './fields.ts';

const GROUPS = ['P-256', 'P-384', 'X25519', 'X25519_MLKEM768'] as const;

/** The application protocols of a TLS handshake. */
export function alpnField() {
  return Type.Array(Type.String({ description: 'The name of a protocol.', minLength: 1, maxLength: 64 }), {
    description: 'The application protocols to negotiate (ALPN), best first.',
    minItems: 1,
    maxItems: 16,
  });
}

/** The key exchange groups of a TLS handshake. */
export function keyExchangeGroupsField() {
  const group = Type.Unsafe<Exclude<(typeof GROUPS)[number], 'X25519_MLKEM768'>>({
    ...choice(GROUPS, 'The name of a group.'),
    'x-kubernetes-validations': [
      {
        rule: "self != 'X25519_MLKEM768'",
        message: 'X25519_MLKEM768 is not enforced by Pulseplane; use X25519, P-256 or P-384',
      },
    ],
  });
  return Type.Array(group, { description: 'The key exchange groups, best first.' });
}
