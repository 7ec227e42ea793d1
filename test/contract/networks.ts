import { listEncoders } from '../../src/models/encoders/registry.ts';
import { listNetworks, type NetworkName } from '../../src/models/list-networks.ts';
import { getArchitecture, listModels } from '../../src/models/registry.ts';
import { tinyDecoder, tinyEncoder } from '../tiny-networks.ts';

/** Every architecture with every encoder that faceparse has. */
export const allNetworks = listNetworks();

/** The networks without an encoder; every architecture on a tiny encoder; and every encoder under a tiny decoder. */
export const eachPart: readonly NetworkName[] = partsOf(listModels(), listEncoders());

function partsOf(names: readonly string[], encoders: readonly string[]): NetworkName[] {
  const takesEncoder = (name: string) => getArchitecture(name).settings?.encoder !== undefined;
  return [
    ...names.map((name) => (takesEncoder(name) ? { name, encoder: tinyEncoder() } : { name })),
    ...encoders.map((encoder) => ({ name: tinyDecoder(), encoder })),
  ];
}

/**
 * The networks that the contract trains: each part by itself. With FACEPARSE_ALL_NETWORKS=1 also every pair, which takes many
 * minutes, and all of them on every engine.
 */
export const trainedNetworks: readonly NetworkName[] = [
  ...eachPart,
  ...(process.env.FACEPARSE_ALL_NETWORKS ? allNetworks.filter(({ encoder }) => encoder !== undefined) : []),
];

/** `unet, resnet18`, for the titles of tests. */
export function titleOf({ name, encoder }: NetworkName): string {
  return encoder === undefined ? name : `${name}, ${encoder}`;
}
