import { listEncoders } from './encoders/registry.ts';
import { getArchitecture, listModels } from './registry.ts';

/** An architecture, with an encoder if it takes one. */
export interface NetworkName {
  readonly name: string;
  readonly encoder?: string;
}

/**
 * Every architecture that takes no encoder, then every other one with every encoder.
 *
 * @example listNetworks('unet').map(({ encoder }) => encoder) // ['resnet18', 'resnet34', …]
 */
export function listNetworks(pattern = '*'): NetworkName[] {
  const names = listModels(pattern);
  const takesEncoder = (name: string) => getArchitecture(name).settings?.encoder !== undefined;
  return [
    ...names.filter((name) => !takesEncoder(name)).map((name) => ({ name })),
    ...names.filter(takesEncoder).flatMap((name) => listEncoders().map((encoder) => ({ name, encoder }))),
  ];
}
