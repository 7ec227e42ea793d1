import { getEncoder, listEncoders } from './encoders/registry.ts';
import { getArchitecture, listModels } from './registry.ts';

/** An architecture, with an encoder if it takes one. */
export interface NetworkName {
  readonly name: string;
  readonly encoder?: string;
}

/**
 * Every architecture that takes no encoder, then every other one with every encoder. With an encoder, only the architectures
 * on it.
 *
 * @throws FaceparseError (exit code 2) if the encoder does not exist
 *
 * @example listNetworks('resnet18').map(({ name }) => name) // ['pspnet', 'deeplabv3plus', 'unet', …]
 */
export function listNetworks(encoder?: string): NetworkName[] {
  const names = listModels();
  const takesEncoder = (name: string) => getArchitecture(name).settings?.encoder !== undefined;
  const encoders = encoder === undefined ? listEncoders() : [getEncoder(encoder).name];
  return [
    ...(encoder === undefined ? names.filter((name) => !takesEncoder(name)).map((name) => ({ name })) : []),
    ...names.filter(takesEncoder).flatMap((name) => encoders.map((chosen) => ({ name, encoder: chosen }))),
  ];
}
