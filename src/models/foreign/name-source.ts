/** The names that a program gives to the tensors of an encoder. */
export interface NameSource {
  /** The program: `timm`. */
  readonly program: string;
  /** The first tensor of the encoder, by which the names are recognised. */
  readonly stem: string;
  /** Our name, without `encoder.`; undefined if the encoder has no such layer. */
  readonly translate: (name: string) => string | undefined;
  /** The layers after the encoder: a classifier, which segmentation networks do not have. */
  readonly classifier: RegExp;
  /** The networks with these names, each with the encoder that computes the same. */
  readonly originals: readonly Original[];
  /** The only one with these names at `encoder.` in a network of segmentation_models.pytorch, if that differs. */
  readonly inNetwork?: Original;
}

/** A network of another program. */
export interface Original {
  readonly title: string;
  /** Name of the encoder here. */
  readonly encoder: string;
}

/** Names that need no translation. */
export function sameName(name: string): string {
  return name;
}

/**
 * Translates the names of the blocks of a mobile network in timm, `blocks.STAGE.BLOCK.LAYER.weight`.
 *
 * @param counts number of blocks of each stage
 * @param layerOf our name of a layer (`conv_dw`, `bn1`, `se.conv_reduce`) of block `index`, counted over all stages
 */
export function timmBlock(
  name: string,
  counts: readonly number[],
  layerOf: (place: { readonly stage: number; readonly index: number; readonly layer: string }) => string | undefined,
): string | undefined {
  const [, first, second, layer, parameter] = /^blocks\.(\d+)\.(\d+)\.(.+)\.(\w+)$/.exec(name) ?? [];
  if (layer === undefined) return undefined;
  const [stage, block] = [Number(first), Number(second)];
  if (!(block < counts[stage])) return undefined;
  const index = blocksBefore(counts, stage) + block;
  const found = layerOf({ stage, index, layer });
  return found === undefined ? undefined : `${found}.${parameter}`;
}

/** Number of blocks before a stage. */
export function blocksBefore(counts: readonly number[], stage: number): number {
  return counts.slice(0, stage).reduce((sum, count) => sum + count, 0);
}

/** Translates the first part of a name by a table: `bn1.weight` to `_bn0.weight`. */
export function renamed(name: string, table: Readonly<Record<string, string>>): string | undefined {
  const dot = name.indexOf('.');
  const found = table[name.slice(0, dot)];
  return found === undefined ? undefined : found + name.slice(dot);
}
