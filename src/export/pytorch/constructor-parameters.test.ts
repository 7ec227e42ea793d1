import { describe, expect, it } from 'vitest';
import { type ArgumentColumn, findParameters } from './constructor-parameters.ts';

function column(name: string, values: ArgumentColumn['values'], rest: Partial<ArgumentColumn> = {}): ArgumentColumn {
  return { name, child: '0', values, ...rest };
}

function channels(name: string, values: ArgumentColumn['values'], rest: Partial<ArgumentColumn> = {}): ArgumentColumn {
  return column(name, values, { channels: true, ...rest });
}

function summary(columns: readonly ArgumentColumn[]) {
  const { parameters, expressions } = findParameters(columns);
  return {
    parameters: parameters.map(({ name, default: usual }) => (usual === undefined ? name : `${name}=${usual}`)),
    expressions,
  };
}

describe('findParameters', () => {
  it('needs none if all instances are equal', () => {
    expect(summary([column('in_channels', [3, 3]), column('bias', ['False', 'False'])])).toEqual({
      parameters: [],
      expressions: ['3', 'False'],
    });
  });

  it('shares one among arguments that are always equal and writes multiples of it', () => {
    const columns = [
      channels('in_channels', [16, 24]),
      channels('out_channels', [64, 96]),
      channels('num_features', [64, 96]),
      channels('groups', [64, 96], { default: 1 }),
      channels('out_channels', [4, 6], { child: 'squeeze' }),
    ];
    expect(summary(columns)).toEqual({
      parameters: ['channels'],
      expressions: ['channels', '4 * channels', '4 * channels', '4 * channels', 'channels // 4'],
    });
  });

  it('writes usual values as defaults after required parameters', () => {
    const columns = [
      column('stride', [1, 2], { default: 1 }),
      column('dilation', [2, 4], { default: 1 }),
      column('activation', ['nn.ReLU', 'nn.Identity'], { default: 'nn.ReLU' }),
    ];
    expect(summary(columns)).toEqual({
      parameters: ['dilation', 'stride=1', 'activation=nn.ReLU'],
      expressions: ['stride', 'dilation', 'activation'],
    });
  });

  it('derives the padding that keeps the size, and no other', () => {
    const kernel = column('kernel_size', [1, 3, 5, 3]);
    const dilation = column('dilation', [1, 1, 1, 2], { default: 1 });
    expect(summary([kernel, column('padding', [0, 1, 2, 1], { default: 0 })]).expressions[1]).toBe('kernel_size // 2');
    expect(summary([kernel, dilation, column('padding', [0, 1, 2, 2], { default: 0 })]).expressions[2]).toBe(
      'dilation * (kernel_size // 2)',
    );
    const threeByThree = column('kernel_size', [3, 3, 3, 3]);
    expect(summary([threeByThree, dilation, column('padding', [1, 1, 1, 2])]).expressions[2]).toBe('dilation');
    const fiveByFive = column('kernel_size', [5, 5, 5, 5]);
    expect(summary([fiveByFive, dilation, column('padding', [2, 2, 2, 4])]).expressions[2]).toBe('2 * dilation');
    const dilated = column('dilation', [2, 2, 2, 2]);
    expect(summary([kernel, dilated, column('padding', [0, 2, 4, 2])]).expressions[2]).toBe('2 * (kernel_size // 2)');
    expect(summary([kernel, column('padding', [0, 0, 0, 1], { default: 0 })]).parameters).toEqual([
      'kernel_size',
      'padding=0',
    ]);
  });

  it('does not derive a stride from a kernel, even if both are 1, 2', () => {
    const columns = [column('kernel_size', [1, 2]), column('stride', [1, 2], { default: 1 })];
    expect(summary(columns).parameters).toEqual(['kernel_size', 'stride=1']);
  });

  it('distinguishes parameters by the child that uses them', () => {
    const columns = [
      column('kernel_size', [1, 3], { child: 'first' }),
      column('kernel_size', [5, 3], { child: 'second' }),
    ];
    expect(summary(columns).parameters).toEqual(['kernel_size', 'second_kernel_size']);
  });
});
