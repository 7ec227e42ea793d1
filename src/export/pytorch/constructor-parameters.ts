import { uniqueName } from './python-names.ts';

/** A number, or Python text such as `True`, `(3, 5)` or `nn.ReLU`. */
export type ArgumentValue = number | string;

/** One argument in the `__init__` of a class, with the value that it has in each instance of the class. */
export interface ArgumentColumn {
  /** Name of the argument in the call. */
  readonly name: string;
  /** Child that receives it, to distinguish equal names. */
  readonly child: string;
  readonly values: readonly ArgumentValue[];
  /** Whether it counts channels, so that it may equal or be a multiple of another such argument. */
  readonly channels?: true;
  /** The default value, which the call omits. */
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
 * Finds the parameters of a class whose `__init__` serves all of its instances. A value that is the same in all instances
 * stays a literal. A value that follows from another parameter becomes an expression. All others become parameters.
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

/** If only one of input and output channels is a parameter, it is named `channels`. */
function renameChannels(parameters: readonly ClassParameter[]): void {
  const named = (name: string) => parameters.find((parameter) => parameter.name === name);
  if (named('channels')) return;
  const [input, output] = [named('in_channels'), named('out_channels')];
  if (input && !output) input.name = 'channels';
  if (output && !input) output.name = 'channels';
}

type Writer = () => string;

/** A preceding argument. */
interface WrittenColumn {
  readonly values: readonly ArgumentValue[];
  readonly write: Writer;
}

/** Expresses the column in terms of an existing parameter, if possible. */
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

/** The padding that keeps the size: dilation · (kernel − 1) / 2, with kernel and dilation of the same layer. */
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
