import { z } from 'zod';
import { losses } from '../losses/registry.ts';
import { countOf } from '../text/counts.ts';
import { joinWords } from '../text/join-words.ts';
import { currentConfigSchema } from './schema.ts';

/** The part of JSON Schema that `configSchema` produces. */
interface JsonSchema {
  readonly type?: string;
  /** The accepted values in words, where the schema itself says too little. */
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** The schema of every value of a record; false if keys are fixed. */
  readonly additionalProperties?: JsonSchema | false;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

/** A key of the configuration, or a group of keys. */
export interface ConfigKey {
  /** Dotted path, e.g. `train.optimizer.beta1`. */
  readonly path: string;
  /** It contains other keys instead of a value. */
  readonly group: boolean;
  /** It takes text, so values are not parsed as numbers or dates. */
  readonly text: boolean;
  /** The accepted values in words: `a whole number from 32 to 1024`. */
  readonly wanted: string;
  /** The accepted values of each key of an entry, for a list of groups. */
  readonly ofEntry?: ReadonlyMap<string, string>;
  /** The accepted values, if they are a few words. */
  readonly values?: readonly string[];
  readonly default?: unknown;
  readonly description: string;
}

function describeNumber(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  // zod bounds whole numbers by the safe integers, which do not help a reader.
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  const noun = schema.type === 'integer' ? 'a whole number' : 'a number';
  if (least !== undefined && most !== undefined) return `${noun} from ${least} to ${most}`;
  const bounds = [
    least !== undefined && `from ${least}`,
    above !== undefined && `above ${above}`,
    most !== undefined && `at most ${most}`,
    below !== undefined && `below ${below}`,
  ].filter(Boolean);
  return `${noun} ${bounds.join(', ')}`.trim();
}

function describeObject({ additionalProperties, properties, required = [] }: JsonSchema): string {
  if (additionalProperties) return `a map from names to ${describeType(additionalProperties)}`;
  const names = Object.keys(properties ?? {});
  const optional = names.filter((name) => !required.includes(name));
  const rest =
    optional.length > 0 && optional.length < names.length
      ? `; ${joinWords(optional, 'and')} ${optional.length === 1 ? 'is' : 'are'} optional`
      : '';
  return `a group of ${joinWords(names, 'and')}${rest}`;
}

function describeList({ items = {}, minItems = 0, maxItems }: JsonSchema): string {
  const most = maxItems === undefined ? '' : ` of at most ${maxItems} entries`;
  const least = minItems > 0 ? ` of at least ${countOf(minItems, 'entry', 'entries')}` : '';
  return `a list${most || least}, each entry ${describeType(items)}`;
}

function describeType(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.anyOf) return joinWords(schema.anyOf.map(describeType), 'or');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum) return joinWords(schema.enum, 'or');
  switch (schema.type) {
    case 'boolean':
      return 'true or false';
    case 'integer':
    case 'number':
      return describeNumber(schema);
    case 'array':
      return describeList(schema);
    case 'object':
      return describeObject(schema);
    case 'string':
      return 'text';
    default:
      return 'a value';
  }
}

function describeEntries(properties: Readonly<Record<string, JsonSchema>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(properties).map(([name, schema]) => [name, describeType(schema)]));
}

function collect(schema: JsonSchema, prefix: string, keys: Map<string, ConfigKey>): void {
  for (const [name, entry] of Object.entries(schema.properties ?? {})) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const group = entry.properties !== undefined;
    keys.set(path, {
      path,
      group,
      text: entry.type === 'string',
      wanted: group ? 'a group of keys' : describeType(entry),
      ...(entry.items?.properties && { ofEntry: describeEntries(entry.items.properties) }),
      ...(entry.enum && { values: entry.enum.map(String) }),
      ...(!group && entry.default !== undefined && { default: entry.default }),
      description: entry.description ?? '',
    });
    collect(entry, path, keys);
  }
}

let known: { readonly losses: number; readonly keys: ReadonlyMap<string, ConfigKey> } | undefined;

/** All keys and groups of `configSchema` by dotted path, in the schema's order. */
export function configKeys(): ReadonlyMap<string, ConfigKey> {
  // Losses may have been registered since the last call.
  if (known?.losses !== losses.length) {
    const keys = new Map<string, ConfigKey>();
    collect(z.toJSONSchema(currentConfigSchema(), { io: 'input' }) as JsonSchema, '', keys);
    known = { losses: losses.length, keys };
  }
  return known.keys;
}

/** The group of a path: `train` for `train.lr`, the empty string for `name`. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('.')));
}
