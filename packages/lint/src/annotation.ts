import { type KubernetesObject, parseDuration } from '@pulseplane/resources';
import { ENVIRONMENTS, type Environment, findEnvironment, type Range } from './environment.ts';
import { isRuleId, RULE_IDS, type RuleId } from './rule.ts';

/** What an object's connections pass through and end at: `aws-nlb, grpc-core`; with a time of its own `aws-nlb=900s`. */
const ENVIRONMENT_ANNOTATION = 'pulseplane.dev/environment';
/** The rules whose findings are known and meant: `layer, detect`. */
const ACKNOWLEDGE_ANNOTATION = 'pulseplane.dev/lint-acknowledge';

/** An object as far as it speaks of the surroundings of connections. */
export type Annotated = Pick<KubernetesObject, 'metadata'>;

const ENVIRONMENT_NAMES = ENVIRONMENTS.map(({ name }) => name);
/** How much of an annotation is read: more than there is to name. */
const MAX_ENTRIES = 64;
/** What people write may be long; a warning is not. */
const MAX_QUOTED = 40;
/** So many of the known names are listed, for the same reason; the documentation has all of them. */
const MAX_LISTED = 20;

type Named = { readonly environment: Environment } | { readonly fault: string };

/** The environments that objects name; of one that several name, the last one's numbers hold. */
export function environmentsOf(objects: readonly (Annotated | undefined)[]): readonly Environment[] {
  const named = new Map<string, Environment>();
  for (const object of objects) {
    for (const entry of entriesOf(object, ENVIRONMENT_ANNOTATION)) {
      const read = readEnvironment(entry);
      if ('environment' in read) named.set(read.environment.name, read.environment);
    }
  }
  return [...named.values()];
}

/** Whether any of the objects acknowledges a rule. */
export function isAcknowledged(rule: RuleId, objects: readonly (Annotated | undefined)[]): boolean {
  return objects.some((object) => entriesOf(object, ACKNOWLEDGE_ANNOTATION).includes(rule));
}

/** What is wrong in an object's own annotations: each with the annotation that it is in. */
export function annotationFaults(
  object: Annotated,
): readonly { readonly annotation: string; readonly fault: string }[] {
  const environments = entriesOf(object, ENVIRONMENT_ANNOTATION).flatMap((entry) => {
    const read = readEnvironment(entry);
    return 'fault' in read ? [{ annotation: ENVIRONMENT_ANNOTATION, fault: read.fault }] : [];
  });
  const rules = entriesOf(object, ACKNOWLEDGE_ANNOTATION)
    .filter((entry) => !isRuleId(entry))
    .map((entry) => ({ annotation: ACKNOWLEDGE_ANNOTATION, fault: unknown('rule', entry, RULE_IDS) }));
  return [...environments, ...rules];
}

function entriesOf(object: Annotated | undefined, annotation: string): readonly string[] {
  const text = object?.metadata.annotations?.[annotation];
  if (text === undefined) return [];
  return text
    .split(',', MAX_ENTRIES)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function readEnvironment(entry: string): Named {
  const [name = '', time] = entry.split('=', 2);
  const environment = findEnvironment(name.trim());
  if (environment === undefined) {
    return { fault: unknown('environment', name.trim(), ENVIRONMENT_NAMES) };
  }
  return time === undefined ? { environment } : withTime(environment, time.trim());
}

function withTime(environment: Environment, time: string): Named {
  const { name, settable } = environment;
  const milliseconds = parseDuration(time);
  if (milliseconds === undefined)
    return { fault: `${quoted(time)} is not a time for ${name}; write it as 350s or 10m` };
  const seconds = milliseconds / 1_000;
  if (settable === undefined)
    return { fault: `the time of ${name} is fixed at ${secondsOf(environment)}s; leave out ${quoted(time)}` };
  if (!isWithin(seconds, settable))
    return { fault: `${time} is not a time that ${name} can have: ${settable[0]}s to ${settable[1]}s` };
  return {
    environment:
      environment.kind === 'ping-police'
        ? { ...environment, minPingSeconds: seconds }
        : { ...environment, idleSeconds: seconds },
  };
}

function secondsOf(environment: Environment): number {
  return environment.kind === 'ping-police' ? environment.minPingSeconds : environment.idleSeconds;
}

function isWithin(seconds: number, [least, most]: Range): boolean {
  return seconds >= least && seconds <= most;
}

function unknown(what: string, name: string, known: readonly string[]): string {
  const more = known.length - MAX_LISTED;
  const listed = known.slice(0, MAX_LISTED).join(', ');
  return `no ${what} ${quoted(name)}; known: ${listed}${more > 0 ? ` and ${more} more` : ''}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}...`);
}
