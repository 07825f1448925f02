const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const LABEL_RULE = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const SUBDOMAIN_RULE = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const QUALIFIED_RULE = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`;
const LABEL_VALUE_RULE = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${QUALIFIED})?')`;

const isLabel = new RegExp(`^${LABEL}$`);
const isSubdomain = new RegExp(`^${SUBDOMAIN}$`);
const isQualified = new RegExp(`^${QUALIFIED}$`);

const NONE: readonly string[] = [];

/** Which names an object may have: one DNS label, or several joined by dots. */
export type NameFormat = 'label' | 'subdomain';

/** The rules that a name breaks; empty when it is good. */
export function nameFaults(name: string, format: NameFormat): readonly string[] {
  const limit = format === 'label' ? 63 : 253;
  if (name.length <= limit && (format === 'label' ? isLabel : isSubdomain).test(name)) return NONE;
  const faults = name.length > limit ? [`must be no more than ${limit} characters`] : [];
  if (format === 'label') {
    if (isLabel.test(name)) return faults;
    return [...faults, isSubdomain.test(name) ? 'must not contain dots' : LABEL_RULE];
  }
  return isSubdomain.test(name) ? faults : [...faults, SUBDOMAIN_RULE];
}

/** The rules that a label or annotation key (`prefix/name`) breaks. */
export function qualifiedNameFaults(key: string): readonly string[] {
  if (key.length <= 63 && isQualified.test(key)) return NONE;
  const parts = key.split('/');
  if (parts.length > 2) {
    return [
      `a qualified name ${QUALIFIED_RULE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const name = parts.at(-1) ?? '';
  const faults: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') faults.push('prefix part must be non-empty');
    else faults.push(...nameFaults(prefix, 'subdomain').map((fault) => `prefix part ${fault}`));
  }
  if (name === '') faults.push('name part must be non-empty');
  else if (name.length > 63) faults.push('name part must be no more than 63 characters');
  if (!isQualified.test(name)) faults.push(`name part ${QUALIFIED_RULE}`);
  return faults;
}

/** The rules that a label's value breaks. */
export function labelValueFaults(value: string): readonly string[] {
  if (value === '' || (value.length <= 63 && isQualified.test(value))) return NONE;
  const faults = value.length > 63 ? ['must be no more than 63 characters'] : [];
  return value === '' || isQualified.test(value) ? faults : [...faults, LABEL_VALUE_RULE];
}
