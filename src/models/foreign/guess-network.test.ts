import { describe, expect, it } from 'vitest';
import type { StateTensor } from '../../formats/state-dict/state-tensor.ts';
import { guessNetwork } from './guess-network.ts';
import { encoderShapes } from './network-names.ts';

const tensorOf = (name: string, shape: readonly number[]): [string, StateTensor] => [
  name,
  { name, dtype: 'float32', shape, read: () => new Float32Array(0) },
];

describe('guessNetwork', () => {
  const encoder = [...encoderShapes('resnet18')].map(([name, shape]) => tensorOf(name, shape));

  it('finds an encoder', () => {
    expect(guessNetwork(new Map(encoder))).toEqual({ encoder: 'resnet18' });
  });

  it('does not compare very many tensors with all networks', () => {
    // The classifier of a ResNet does not count against the encoder.
    const more = Array.from({ length: 10_000 }, (_, at) => tensorOf(`fc.${at}`, [1]));
    expect(guessNetwork(new Map([...encoder, ...more.slice(0, 10)]))).toEqual({ encoder: 'resnet18' });
    expect(guessNetwork(new Map([...encoder, ...more]))).toBeUndefined();
  });
});
