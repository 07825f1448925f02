import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { ENVIRONMENTS, type Environment } from './environment.ts';
import { RULE_IDS, RULES } from './rule.ts';

const API = new URL('../../../docs/api.md', import.meta.url);
const BEGIN = '<!-- made of packages/lint: UPDATE_DOCS=1 with packages/lint/src/docs.test.ts writes it anew -->\n';
const END = '<!-- end of what is made -->\n';

test('the tables of rules and environments in docs/api.md are those of the data', () => {
  const before = readFileSync(API, 'utf8');
  const [begin, end] = [before.indexOf(BEGIN) + BEGIN.length, before.indexOf(END)];
  assert.ok(begin >= BEGIN.length && end > begin, 'docs/api.md has no place for the tables');
  const made = `\n${rules()}\n${environments()}\n`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(API, before.slice(0, begin) + made + before.slice(end));
  else assert.equal(before.slice(begin, end), made);
});

function rules(): string {
  return table(
    ['rule', 'severity', 'says', 'about environments'],
    RULE_IDS.map((id) => {
      const { severity, text, source, about } = RULES[id];
      return [`\`${id}\``, severity, `${text} [Source](${source})`, about.length === 0 ? '' : about.join(', ')];
    }),
  );
}

function environments(): string {
  return table(
    ['environment', 'kind', 'what it is', 'numbers'],
    ENVIRONMENTS.map((environment) => {
      const { name, kind, text, source } = environment;
      return [`\`${name}\``, kind, text, `[${numbers(environment)}](${source})`];
    }),
  );
}

function numbers(environment: Environment): string {
  const { settable } = environment;
  const range =
    settable === undefined ? 'fixed' : settable[1] > 1e6 ? 'may be set' : `${settable[0]} to ${settable[1]} s`;
  if (environment.kind !== 'ping-police') return `${environment.idleSeconds} s, ${range}`;
  const strikes = environment.maxStrikes === undefined ? '' : `, ${environment.maxStrikes} strikes`;
  return `a PING each ${environment.minPingSeconds} s${strikes}, ${range}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}
