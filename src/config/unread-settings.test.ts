import { describe, expect, it } from 'vitest';
import { configKeys } from './config-keys.ts';
import { parseConfig, parseRunConfig } from './parse-config.ts';
import { choices } from './unread-settings.ts';

function noticesOf(text: string, ...overrides: string[]): string[] {
  const lines: string[] = [];
  parseConfig(text, 'a.yaml', overrides, (line) => lines.push(line));
  return lines;
}

describe('settings of another schedule or optimiser', () => {
  it('in a file are named with their line and what reads them', () => {
    const text =
      'train:\n  optimizer: {momentum: 0.8}\n  schedule: cosine\n  scheduleOptions:\n    patience: 4\n    power: 2';
    expect(noticesOf(text)).toEqual([
      'a.yaml:6: train.scheduleOptions.power has no effect with train.schedule=cosine; it is a setting of polynomial',
      'a.yaml:5: train.scheduleOptions.patience has no effect with train.schedule=cosine; it is a setting of plateau',
      'a.yaml:2: train.optimizer.momentum has no effect with train.optimizer.kind=adamw; it is a setting of sgd',
    ]);
  });

  it('in overrides are named, even with their default', () => {
    expect(noticesOf('', 'train.optimizer.nesterov=false', 'train.schedule=onecycle', 'train.warmup=0.1')).toEqual([
      "override 'train.warmup=0.1': train.warmup has no effect with train.schedule=onecycle; it is a setting of constant, cosine, polynomial, step, cosine-restarts and plateau",
      "override 'train.optimizer.nesterov=false': train.optimizer.nesterov has no effect with train.optimizer.kind=adamw; it is a setting of sgd",
    ]);
    expect(noticesOf('', 'train.optimizer.kind=sgd', 'train.optimizer.nesterov=true')).toEqual([]);
    expect(noticesOf('', 'train.optimizer.nesterov=null')).toEqual([]);
  });

  it('may be inherited from a file that reads them, or that lists defaults', () => {
    const plateau = 'train: {schedule: plateau, scheduleOptions: {patience: 4}}';
    expect(noticesOf(plateau, 'train.schedule=cosine')).toEqual([]);
    expect(noticesOf('train: {scheduleOptions: {patience: 4}}', 'train.schedule=plateau')).toEqual([]);
    expect(noticesOf('train: {optimizer: {momentum: 0.9}, scheduleOptions: {patience: 3}}')).toEqual([]);
    const lines: string[] = [];
    parseRunConfig('train: {scheduleOptions: {patience: 4}}', 'run', ['train.warmup=0'], (line) => lines.push(line));
    expect(lines).toEqual([]);
  });
});

it('the reference names the same readers', () => {
  const ofGroups = [...configKeys().values()].filter(
    ({ path }) => /^train\.(scheduleOptions|optimizer)\./.test(path) && !/\.(kind|weightDecay)$/.test(path),
  );
  const readers = Object.assign({}, ...choices.map((choice) => choice.readers)) as Record<string, readonly string[]>;
  for (const { path, description } of ofGroups) {
    const named = /\(([^()]*)\)$/.exec(description)?.[1].toLowerCase().split(', ');
    expect(named?.sort(), path).toEqual([...(readers[path] ?? [])].sort());
  }
});
