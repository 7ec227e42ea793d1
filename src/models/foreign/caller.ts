/** Who describes a network: a command, a program, or a training configuration. Messages name options in its form. */
export type Caller = 'command' | 'library' | 'configuration';

/** The options of a network in a configuration. */
const keys: Readonly<Record<string, string>> = {
  model: 'model.name',
  encoder: 'model.encoder',
  depth: 'model.depth',
  outputStride: 'model.outputStride',
  labels: 'data.labels',
  resize: 'data.resize',
  size: 'train.size',
};

/**
 * The name of an option as its caller writes it.
 *
 * @example optionName('outputStride', 'command') // '--output-stride'
 */
export function optionName(option: string, caller: Caller): string {
  if (caller === 'configuration') return keys[option] ?? option;
  return caller === 'library' ? option : `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * An option with its value as its caller writes it.
 *
 * @example optionValue('encoder', 'resnet18', 'library') // "encoder: 'resnet18'"
 */
export function optionValue(option: string, value: string | number, caller: Caller): string {
  const name = optionName(option, caller);
  if (caller === 'command') return `${name} ${value}`;
  if (caller === 'configuration') return `${name}=${value}`;
  return `${name}: ${typeof value === 'number' ? value : `'${value}'`}`;
}
