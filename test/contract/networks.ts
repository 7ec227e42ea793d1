import { listNetworks, type NetworkName } from '../../src/models/list-networks.ts';

/** The encoder with the fewest parameters, on which every architecture is run. */
const smallestEncoder = 'mobilenet_v2';
/** The decoder with the fewest parameters, under which every encoder is run. */
const smallestDecoder = 'linknet';

/**
 * The networks that the contract runs: every architecture on the smallest encoder, and every encoder under the smallest
 * decoder, so that each part is run by itself. With FACEPARSE_ALL_NETWORKS=1 it runs every pair, which takes many minutes.
 */
export function networksToRun(): NetworkName[] {
  const all = listNetworks();
  if (process.env.FACEPARSE_ALL_NETWORKS) return all;
  return all.filter(
    ({ name, encoder }) => encoder === undefined || encoder === smallestEncoder || name === smallestDecoder,
  );
}

/** Of these, the networks that are small enough for engines of one thread. */
export function smallNetworksToRun(): NetworkName[] {
  return networksToRun().filter(({ encoder }) => encoder === undefined || encoder === smallestEncoder);
}

/** `unet, resnet18`, for the titles of tests. */
export function titleOf({ name, encoder }: NetworkName): string {
  return encoder === undefined ? name : `${name}, ${encoder}`;
}
