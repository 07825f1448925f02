import { isJsonObject, type Json, type JsonObject } from '@pulseplane/resources';
import { CORE_SCHEMA, load } from 'js-yaml';
import type { StepAnswer } from './run-session.ts';

/** What of the run itself may show in an answer. */
export type Hidden = { readonly server: string; readonly folder: string };

/** Columns that show the time, or what a controller writes into the status: no controller runs beside the oracle. */
const HIDDEN_COLUMNS = new Set(['AGE', 'ACCEPTED', 'ATTACHED', 'PROGRAMMED', 'ADDRESS', 'LAST SEEN']);

/** What kubectl logs of its own work when something takes long, or not long enough. */
const CLIENT_LOG = /^[EIW]\d{4} \d\d:\d\d:\d\d.*\n/gm;

/** Kinds whose status a controller writes. */
const CONTROLLED_GROUPS = /^(agentgateway\.dev|gateway\.networking\.k8s\.io)\//;

const TEXT_RULES: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uid>'],
  [/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000/g, '<time>'],
  [/(resourceVersion\\?"?(?:: ?|=|%3D)\\?"?)[1-9]\d*/g, '$1<version>'],
  [
    /((?:ResourceVersion in (?:precondition|object meta)|Resource Version|[Tt]oo large resource version|current): +)\d+/g,
    '$1<version>',
  ],
  [
    /(the ResourceVersion in the precondition \()\d+(\) does not match the ResourceVersion in record \()\d+/g,
    '$1<version>$2<version>',
  ],
  [/(too old resource version: )\d+ \(\d+\)/g, '$1<version>'],
  [/(LIVE|MERGED)-\d+/g, '$1-<n>'],
  [/(kubectl-edit-)\d+/g, '$1<n>'],
  [/(Generation Timestamp: +).*/g, '$1<time>'],
];

/** Hides ids, times, ages, versions, ports and statuses, and puts what has no order into one. */
export function hide(
  { code, stdout, stderr }: { readonly code: number | null; readonly stdout: string; readonly stderr: string },
  hidden: Hidden,
): StepAnswer {
  return { code, stdout: linesOf(stdout, hidden), stderr: linesOf(stderr, hidden) };
}

function linesOf(output: string, hidden: Hidden): readonly string[] {
  const text = output.replaceAll(CLIENT_LOG, '');
  const structured = asJson(text);
  const shown = structured === undefined ? hideInText(text) : structured.map(hideInJson).map(canonical).join('\n');
  const plain = hideRun(shown, hidden);
  return plain === '' ? [] : sortFaults(plain.replace(/\n$/, '').split('\n'));
}

/** One JSON value, one on each line, or a YAML document as kubectl prints an object. */
function asJson(text: string): readonly Json[] | undefined {
  const trimmed = text.trim();
  if (/^apiVersion: /.test(trimmed)) return [load(trimmed, { schema: CORE_SCHEMA }) as Json];
  if (!/^[[{]/.test(trimmed)) return undefined;
  try {
    return [JSON.parse(trimmed) as Json];
  } catch {
    try {
      return trimmed.split('\n').map((line) => JSON.parse(line) as Json);
    } catch {
      return undefined;
    }
  }
}

function canonical(value: Json): string {
  return JSON.stringify(value, undefined, 1);
}

function hideRun(text: string, { server, folder }: Hidden): string {
  const { host } = new URL(server);
  const named = text.replaceAll(folder, '<folder>').replaceAll(server, '<server>').replaceAll(host, '<host>');
  return TEXT_RULES.reduce((hiding, [pattern, shown]) => hiding.replace(pattern, shown), named);
}

/** Members in alphabetical order; of the kinds that controllers work on, no status. */
function hideInJson(value: Json): Json {
  if (Array.isArray(value)) return value.map(hideInJson);
  if (!isJsonObject(value)) return value;
  if (value['kind'] === 'Table') return hideInJsonTable(value);
  const controlled = typeof value['apiVersion'] === 'string' && CONTROLLED_GROUPS.test(value['apiVersion']);
  const entries = Object.entries(value).filter(([name]) => !(controlled && name === 'status'));
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  const shown = Object.fromEntries(
    sorted.map(([name, member]): [string, Json] => [name, hideMember(name, member ?? null)]),
  );
  return value['kind'] === 'Status' ? sortCauses(shown) : shown;
}

/** Owners of the same second have no order. */
function hideMember(name: string, member: Json): Json {
  if (name === 'continue' && member !== '') return '<continue>';
  const shown = hideInJson(member);
  if (name !== 'managedFields' || !Array.isArray(shown)) return shown;
  return shown
    .map((entry) => canonical(entry))
    .sort()
    .map((entry) => JSON.parse(entry) as Json);
}

function hideInJsonTable({ columnDefinitions = [], rows = [], ...rest }: JsonObject): Json {
  const columns = Array.isArray(columnDefinitions) ? columnDefinitions.filter(isJsonObject) : [];
  const isHidden = columns.map(({ name }) => HIDDEN_COLUMNS.has(String(name).toUpperCase()));
  const hideRow = (row: Json): Json => {
    if (!isJsonObject(row) || !Array.isArray(row['cells'])) return row;
    const cells = row['cells'].map((cell, index) => (isHidden[index] ? '<hidden>' : cell));
    return { cells, object: hideInJson(row['object'] ?? null) };
  };
  return {
    apiVersion: rest['apiVersion'],
    columnDefinitions: hideInJson(columnDefinitions),
    kind: 'Table',
    metadata: hideInJson(rest['metadata'] ?? null),
    rows: Array.isArray(rows) ? rows.map(hideRow) : rows,
  };
}

/** A real API server names the faults of an object in random order, in the message too. */
function sortCauses(status: JsonObject): JsonObject {
  const { details, message } = status;
  if (!isJsonObject(details) || !Array.isArray(details['causes']) || typeof message !== 'string') return status;
  const causes = details['causes'].filter(isJsonObject);
  const texts = causes.map((cause) =>
    cause['field'] ? `${cause['field']}: ${cause['message']}` : `${cause['message']}`,
  );
  const sorted = [...causes.keys()].sort((a, b) => ((texts[a] ?? '') < (texts[b] ?? '') ? -1 : 1));
  const list = `[${texts.join(', ')}]`;
  return {
    ...status,
    details: { ...details, causes: sorted.map((index) => causes[index] ?? null) },
    message: message.replace(list, `[${sorted.map((index) => texts[index]).join(', ')}]`),
  };
}

/** kubectl prints one line for each fault. */
function sortFaults(lines: readonly string[]): readonly string[] {
  const isFault = (line: string): boolean => line.startsWith('* ');
  const sorted = lines.filter(isFault).sort();
  return lines.map((line) => (isFault(line) ? (sorted.shift() ?? line) : line));
}

/** Tables and descriptions as kubectl prints them. */
function hideInText(text: string): string {
  let columns: readonly Column[] = [];
  let within: string | undefined;
  const shown: string[] = [];
  for (const line of text.split('\n')) {
    if (/^[A-Z][A-Z ]+$/.test(line.trim()) && /\bAGE\b|LAST SEEN/.test(line)) columns = columnsOf(line);
    if (line === '') columns = [];
    if (/^(Status|Events):/.test(line)) {
      [within] = line.split(':');
    } else if (within === 'Events' || (within === 'Status' && /^ /.test(line))) {
    } else {
      within = undefined;
      shown.push(columns.length > 0 ? hideCells(line, columns) : line);
    }
  }
  return shown.join('\n');
}

type Column = { readonly name: string; readonly start: number; readonly end: number };

function columnsOf(header: string): readonly Column[] {
  const starts = [...header.matchAll(/\S+(?: \S+)*/g)];
  return starts.map(({ 0: name, index }, at) => ({
    name: name.trim(),
    start: index,
    end: starts[at + 1]?.index ?? Number.POSITIVE_INFINITY,
  }));
}

/** The widths of columns follow the ages, so cells are set apart anew. */
function hideCells(line: string, columns: readonly Column[]): string {
  return columns
    .map(({ name, start, end }) => {
      const cell = line.slice(start, end).trim();
      return HIDDEN_COLUMNS.has(name) && cell !== name ? '<hidden>' : cell;
    })
    .join('   ')
    .trimEnd();
}
