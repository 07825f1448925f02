import type { FastifyReply, FastifyRequest } from 'fastify';
import { dump } from 'js-yaml';
import { prefersYaml } from './accept.ts';
import { MAX_WARNING_LENGTH, MAX_WARNINGS } from './limits.ts';
import type { Status } from './status.ts';

/** What a handler answers with. */
export type Answer = { readonly code: number; readonly body: object; readonly warnings?: readonly string[] };

/** What Go's `strconv.ParseBool` takes for true, and so Kubernetes here. */
const TRUE = /^(1|t|T|true|True|TRUE)$/;

/** A Status as an answer. */
export function statusAnswer(status: Status): Answer {
  return { code: status.code, body: status };
}

/** Sends JSON: on one line for programs, indented for people (curl, or `?pretty=true`). Or YAML, where that is asked. */
export function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  // A URL that cannot be decoded has no query at all.
  const { pretty } = (request.query ?? {}) as { readonly pretty?: unknown };
  const isForPerson =
    pretty !== undefined ? TRUE.test(String(pretty)) : request.headers['user-agent']?.startsWith('curl/');
  const isYaml = prefersYaml(request.headers.accept);
  const text = isYaml ? dump(answer.body) : `${JSON.stringify(answer.body, null, isForPerson === true ? 2 : 0)}\n`;
  const warnings = (answer.warnings ?? []).slice(0, MAX_WARNINGS).map(warningHeader);
  if (warnings.length > 0) reply.header('warning', warnings);
  // With a serializer, Fastify leaves the type as it is: to a text without one it adds a charset, and Kubernetes names
  // none, because JSON has but one. A text goes out in one piece with its headers; bytes would be a second piece.
  return reply
    .code(answer.code)
    .header('content-type', isYaml ? 'application/yaml' : 'application/json')
    .serializer(asIs)
    .send(text);
}

function asIs(text: string): string {
  return text;
}

/** RFC 7234's form, which kubectl prints as `Warning: ...`; a header holds printable ASCII only. */
function warningHeader(warning: string): string {
  const whole = warning.length > MAX_WARNING_LENGTH ? `${warning.slice(0, MAX_WARNING_LENGTH - 3)}...` : warning;
  const text = JSON.stringify(whole).replaceAll(/[^\x20-\x7e]/g, '?');
  return `299 - ${text}`;
}
