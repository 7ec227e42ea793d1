import { uniqueName } from './python-names.ts';

/** A number, or Python text such as `True`, `(3, 5)` or `nn.ReLU`. */
export type ArgumentValue = number | string;

/** One argument in the `__init__` of a class, with the value that it has in each instance of the class. */
export interface ArgumentColumn {
  /** What the argument is called where it is given. */
  readonly name: string;
  /** Child that it is given to, to tell equal names apart. */
  readonly child: string;
  readonly values: readonly ArgumentValue[];
  /** It counts channels: it may be given by another argument that does, or be a multiple of it. */
  readonly channels?: true;
  /** The value that may be left out where it is given. */
  readonly default?: ArgumentValue;
}

/** A parameter of a class, with its value in each instance. */
export interface ClassParameter {
  name: string;
  readonly values: readonly ArgumentValue[];
  readonly channels?: true;
  readonly default?: ArgumentValue;
}

/**
 * The parameters that a class needs so that one text of `__init__` serves all of its instances: what is the same in all
 * stays a literal, what follows from another parameter is written as an expression of it, the rest are parameters.
 *
 * @returns the expressions in the order of the columns
 */
export function findParameters(columns: readonly ArgumentColumn[]): {
  parameters: readonly ClassParameter[];
  expressions: readonly string[];
} {
  const parameters: ClassParameter[] = [];
  const taken = new Set(['self']);
  const writers = columns.map((column) => {
    const literal = column.values.every((value) => value === column.values[0]);
    if (literal) return () => String(column.values[0]);
    const derived = findDerived(column, parameters);
    if (derived) return derived;
    const hint = column.name === 'num_features' ? 'channels' : column.name;
    const name = taken.has(hint)
      ? uniqueName(`${column.child}_${hint}`.replace(/^\d+_/, ''), taken)
      : uniqueName(hint, taken);
    const usual = column.default !== undefined && column.values.includes(column.default);
    const parameter: ClassParameter = {
      name,
      values: column.values,
      ...(column.channels && { channels: true }),
      ...(usual && { default: column.default }),
    };
    parameters.push(parameter);
    return () => parameter.name;
  });
  renameChannels(parameters);
  const required = parameters.filter((parameter) => parameter.default === undefined);
  const optional = parameters.filter((parameter) => parameter.default !== undefined);
  return { parameters: [...required, ...optional], expressions: writers.map((write) => write()) };
}

/** Where only one of input and output is a parameter, it is just `channels`. */
function renameChannels(parameters: readonly ClassParameter[]): void {
  const named = (name: string) => parameters.find((parameter) => parameter.name === name);
  if (named('channels')) return;
  const [input, output] = [named('in_channels'), named('out_channels')];
  if (input && !output) input.name = 'channels';
  if (output && !input) output.name = 'channels';
}

type Writer = () => string;

/** How the column follows from a parameter that is there already. */
function findDerived(column: ArgumentColumn, parameters: readonly ClassParameter[]): Writer | undefined {
  const { name, values, channels } = column;
  const every = (parameter: ClassParameter, rule: (value: number) => number) =>
    values.every((value, index) => rule(Number(parameter.values[index])) === value);
  if (name === 'padding') return derivedPadding(column, parameters);
  for (const parameter of parameters) {
    const related = channels ? parameter.channels : parameter.name.endsWith(name);
    if (related && values.every((value, index) => parameter.values[index] === value)) return () => parameter.name;
  }
  if (!channels) return undefined;
  for (const parameter of parameters.filter((candidate) => candidate.channels)) {
    for (let factor = 2; factor <= 16; factor++) {
      if (every(parameter, (value) => factor * value)) return () => `${factor} * ${parameter.name}`;
      if (every(parameter, (value) => Math.floor(value / factor))) return () => `${parameter.name} // ${factor}`;
    }
  }
  return undefined;
}

/** The padding that keeps the size: dilation · (kernel − 1) / 2. */
function derivedPadding({ values }: ArgumentColumn, parameters: readonly ClassParameter[]): Writer | undefined {
  const kernel = parameters.find(({ name }) => name === 'kernel_size');
  const dilation = parameters.find(({ name }) => name === 'dilation');
  const half = (index: number) => Math.floor(Number(kernel?.values[index]) / 2);
  if (!kernel) return undefined;
  if (values.every((value, index) => value === half(index))) return () => 'kernel_size // 2';
  if (dilation && values.every((value, index) => value === Number(dilation.values[index]) * half(index))) {
    return () => 'dilation * (kernel_size // 2)';
  }
  return undefined;
}
