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
  const writers: Writer[] = [];
  const findWriter = (column: ArgumentColumn, position: number): Writer => {
    if (column.values.every((value) => value === column.values[0])) return () => String(column.values[0]);
    const before = (name: string): WrittenColumn | undefined => {
      const index = columns.findLastIndex(
        (other, at) => at < position && other.child === column.child && other.name === name,
      );
      return index < 0 ? undefined : { values: columns[index].values, write: writers[index] };
    };
    const derived =
      column.name === 'padding'
        ? derivedPadding(column, before('kernel_size'), before('dilation'))
        : findDerived(column, parameters);
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
  };
  columns.forEach((column, position) => {
    writers.push(findWriter(column, position));
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

/** An argument that comes before another one. */
interface WrittenColumn {
  readonly values: readonly ArgumentValue[];
  readonly write: Writer;
}

/** How the column follows from a parameter that is there already. */
function findDerived(column: ArgumentColumn, parameters: readonly ClassParameter[]): Writer | undefined {
  const { name, values, channels } = column;
  const every = (parameter: ClassParameter, rule: (value: number) => number) =>
    values.every((value, index) => rule(Number(parameter.values[index])) === value);
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

/** The padding that keeps the size: dilation · (kernel − 1) / 2, of the kernel and the dilation of the same layer. */
function derivedPadding(
  { values }: ArgumentColumn,
  kernel: WrittenColumn | undefined,
  dilation: WrittenColumn | undefined,
): Writer | undefined {
  if (!kernel) return undefined;
  const half = (index: number) => Math.floor(Number(kernel.values[index]) / 2);
  const factor = (index: number) => Number(dilation?.values[index] ?? 1);
  if (!values.every((value, index) => value === factor(index) * half(index))) return undefined;
  return () => {
    const [size, times] = [kernel.write(), dilation?.write() ?? '1'];
    if (times === '1') return `${size} // 2`;
    if (Number.isNaN(Number(size))) return `${times} * (${size} // 2)`;
    return half(0) === 1 ? times : `${half(0)} * ${times}`;
  };
}
