import type { z } from 'zod';
import { type ConfigKey, configKeys, parentOf } from './config-keys.ts';
import { meantValue } from './usual-names.ts';

/** A value in a few words, for errors. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list (${value.length} entries)`;
  if (typeof value === 'object') return 'a group of keys';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function indexIn(path: readonly PropertyKey[]): number | undefined {
  return path.find((part) => typeof part === 'number');
}

/** The configuration key of an issue: the path up to the first list entry. */
export function keyPathOf({ path }: z.core.$ZodIssue): string[] {
  const end = path.findIndex((part) => typeof part === 'number');
  return path.slice(0, end < 0 ? undefined : end).map(String);
}

/** An issue inside a list entry that is itself a group. */
function explainEntry(issue: z.core.$ZodIssue, value: unknown, place: string): string {
  const keys = keyPathOf(issue);
  const key = configKeys().get(keys.join('.'))!;
  const entry = `entry ${indexIn(issue.path)! + 1} of ${keys.join('.')}`;
  if (issue.code === 'unrecognized_keys') {
    return `${place}: ${entry} has the unknown key '${issue.keys[0].slice(0, 80)}'; it must be ${wantedOfEntry(key)}`;
  }
  const inner = issue.path.slice(keys.length + 1).join('.');
  const wanted = key.ofEntry?.get(inner) ?? wantedOfEntry(key);
  if (value === undefined) return `${place}: ${entry} has no ${inner}, which must be ${wanted}`;
  return `${place}: ${entry}: ${inner} is ${show(value)}, but must be ${wanted}`;
}

/** What each entry of a list must be. */
function wantedOfEntry({ wanted }: ConfigKey): string {
  return wanted.replace(/^a list[^,]*, each entry /, '');
}

/** An example from the description of a key that takes a map or a list: `, such as {hat: 3}`. */
function exampleOf({ description, wanted }: ConfigKey): string {
  if (!/^a (map|list)/.test(wanted)) return '';
  const example = /such as (\{[^}]*\}|\[.*?\])/.exec(description)?.[1];
  return example === undefined ? '' : `, such as ${example}`;
}

/** An issue of the schema in one line: where it is, what was given, and what is accepted. */
export function explainIssue(issue: z.core.$ZodIssue, value: unknown, place: string): string {
  const keyPath = keyPathOf(issue).join('.');
  if (issue.code === 'custom' && keyPath.startsWith('data.labels')) return `${place}: data.labels: ${issue.message}`;
  if (
    indexIn(issue.path) !== undefined &&
    (issue.code === 'unrecognized_keys' || typeof issue.path.at(-1) === 'string')
  ) {
    return explainEntry(issue, value, place);
  }
  const key = configKeys().get(keyPath);
  if (issue.code === 'custom' && key) {
    // The messages of networks start with the name of the setting.
    const group = parentOf(keyPath);
    const starts = issue.message.startsWith(`${keyPath.slice(group.length + 1)} is `);
    return `${place}: ${starts ? `${group}.` : `${keyPath}: `}${issue.message}`;
  }
  if (!key || key.group || issue.code === 'custom') return `${place}: ${keyPath && `${keyPath}: `}${issue.message}`;
  const index = indexIn(issue.path);
  const name = index === undefined ? keyPath : `entry ${index + 1} of ${keyPath}`;
  const ofKey = index === undefined ? `${key.wanted}${exampleOf(key)}` : wantedOfEntry(key);
  const wanted = issue.code === 'invalid_format' ? issue.message : ofKey;
  const quotes = key.text && ['number', 'boolean'].includes(typeof value) ? ' in quotes' : '';
  return `${place}: ${name} is ${show(value)}, but must be ${wanted}${quotes}${suggestValue(key, value)}`;
}

/** `; did you mean 'plateau'?` for a word where others are accepted. */
function suggestValue({ path, values }: ConfigKey, value: unknown): string {
  const meant = values && typeof value === 'string' ? meantValue(path, value, values) : undefined;
  return meant === undefined ? '' : `; did you mean '${meant}'?`;
}
