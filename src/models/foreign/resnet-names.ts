import { type NameSource, sameName } from './name-source.ts';

/** The names of a ResNet: torchvision and timm agree, and so do we. */
export function resnetNames(encoder: string): NameSource[] {
  const originals = [{ title: `${encoder} of torchvision or timm`, encoder }];
  return [
    {
      program: 'torchvision or timm',
      stem: 'conv1.weight',
      translate: sameName,
      classifier: /^(fc|last_linear)\./,
      originals,
    },
  ];
}
