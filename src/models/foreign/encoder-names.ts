import { getEncoder } from '../encoders/registry.ts';
import { type Caller, optionValue } from './caller.ts';
import { efficientnetB0Names, efficientnetLite0Names } from './efficientnet-names.ts';
import { mobilenetV2Names, mobilenetV3Names } from './mobilenet-names.ts';
import { type NameSource, sameName } from './name-source.ts';
import { resnetNames } from './resnet-names.ts';

/** The names that programs give to the tensors of each encoder; variants have those of the encoder itself. */
const sources: Readonly<Record<string, readonly NameSource[]>> = {
  resnet18: resnetNames('resnet18'),
  resnet34: resnetNames('resnet34'),
  resnet50: resnetNames('resnet50'),
  mobilenet_v2: mobilenetV2Names,
  mobilenet_v3_large: mobilenetV3Names,
  'efficientnet-b0': efficientnetB0Names,
  'efficientnet-lite0': efficientnetLite0Names,
};

/** The sources of an encoder's names; the first one has the names of our own encoder. */
export function encoderSources(encoder: string): readonly NameSource[] {
  return sources[getEncoder(encoder).variantOf ?? encoder] ?? [];
}

/** Names of an encoder that a user registered: the file has the same. */
export function ownNames(encoder: string, stem: string): NameSource {
  return {
    program: 'faceparse',
    stem,
    translate: sameName,
    classifier: /^$/,
    originals: [{ title: encoder, encoder }],
  };
}

/**
 * Compares the originals of a file's names with the chosen encoder. Programs differ in padding and in the epsilon of batch
 * normalisation; the tensors do not show which it was.
 *
 * @param options `isNetwork`: whether the file is a network of segmentation_models.pytorch with this encoder
 * @returns a line about it, and whether the file certainly belongs to another encoder (`fault`)
 */
export function compareConventions(
  source: NameSource,
  encoder: string,
  { isNetwork, caller }: { isNetwork: boolean; caller: Caller },
): { fault: boolean; text: string } | undefined {
  const originals = isNetwork && source.inNetwork ? [source.inNetwork] : source.originals;
  const fitting = originals.find((original) => original.encoder === encoder);
  if (fitting && originals.length === 1) return undefined;
  const others = originals.filter((original) => original !== fitting);
  const verb = { command: 'use', library: 'pass', configuration: 'set' }[caller];
  const choices = others
    .map(({ title, encoder: name }) => `for ${title}, ${verb} ${optionValue('encoder', name, caller)}`)
    .join('; ');
  const difference = 'they differ in padding or in the epsilon of batch normalization';
  if (fitting) {
    const text = `${encoder} computes what ${fitting.title} does; ${choices} (${difference}, which the file does not show)`;
    return { fault: false, text };
  }
  // Files with our own names may come from any variant here.
  const isOwn = source.translate === sameName;
  return { fault: !isOwn, text: `${choices}: the encoder ${encoder} computes something else (${difference})` };
}
