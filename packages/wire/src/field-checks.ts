import { RE2JS } from 're2js';

// Each gives the value back, or throws Nonsense with the name of the field, the value and the rule.

/** Nonsense deep inside a message rejects the whole resource: what decodes throws it, `decodeResource` catches it. */
export class Nonsense extends Error {}

export function required(field: string, value: string): string {
  if (value === '') throw new Nonsense(`${field}: is required`);
  return value;
}

export function known<Wire, Value>(field: string, wire: Wire, values: ReadonlyMap<Wire, Value>): Value {
  const value = values.get(wire);
  if (value === undefined) throw new Nonsense(`${field}: ${String(wire)} is not known to this worker`);
  return value;
}

export function present<Value>(field: string, value: Value | undefined): Value {
  if (value === undefined) throw new Nonsense(`${field}: is required`);
  return value;
}

export function portNumber(field: string, port: number): number {
  return range(field, port, 1, 65_535);
}

export function range(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw new Nonsense(`${field}: ${value} must be from ${min} to ${max}`);
  return value;
}

export function positive(field: string, value: number): number {
  if (value <= 0) throw new Nonsense(`${field}: ${value} must be more than 0`);
  return value;
}

export function regex(field: string, value: string): string {
  try {
    RE2JS.compile(value);
  } catch {
    throw new Nonsense(`${field}: ${JSON.stringify(value)} is not a regular expression`);
  }
  return value;
}
