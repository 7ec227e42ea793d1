import type { BatchNormOptions, ConvolutionLayerOptions } from '../../nn/layers.ts';
import { depthRate, type EncoderOptions, type LevelGeometry, levelGeometry } from './encoder.ts';

/** What differs between implementations of a mobile network with the same parameters. */
export interface Conventions {
  /**
   * Zeros around the input of a convolution with stride 2: `symmetric` as in PyTorch, or `same` as in TensorFlow: kernel − 2
   * in all, the smaller half at the top and left. At stride 1, both are symmetric.
   */
  readonly padding: 'symmetric' | 'same';
  readonly norm: BatchNormOptions;
  /**
   * Dilation of the first block of a level whose stride is replaced by dilation: the level's `own`, as in
   * segmentation_models.pytorch and torchvision, or the one of the level `before`, as in timm.
   */
  readonly firstDilation: 'own' | 'before';
}

/** Kernel, stride, dilation and padding of a convolution of an odd kernel. */
export function convolutionGeometry(
  { padding }: Conventions,
  { kernel, stride, dilation }: Pick<LevelGeometry, 'stride' | 'dilation'> & { readonly kernel: number },
): Pick<ConvolutionLayerOptions, 'kernel' | 'stride' | 'dilation' | 'padding'> {
  if (padding === 'symmetric' || stride === 1) return { kernel, stride, dilation };
  const before = Math.floor((kernel - stride) / 2);
  const after = kernel - stride - before;
  return { kernel, stride, dilation, padding: [before, before, after, after] };
}

/** A block of a mobile network: the index of its level, and its stride without dilation. */
export interface BlockRow {
  readonly level: number;
  readonly stride: 1 | 2;
}

/** Where a block is built: stride and dilation, and its rate of stochastic depth. */
export interface BlockPlace extends Pick<LevelGeometry, 'stride' | 'dilation'> {
  readonly drop: number;
}

/** The blocks of the levels that are built, each with its place. */
export function placeBlocks<Row extends BlockRow>(
  rows: readonly Row[],
  options: EncoderOptions,
  { firstDilation }: Conventions,
): (Omit<Row, 'stride'> & BlockPlace)[] {
  const levels = levelGeometry(options);
  return rows.flatMap((row, index) => {
    if (row.level >= levels.length) return [];
    const isFirst = row.stride === 2;
    const { stride, dilation } = levels[row.level];
    const before = isFirst && firstDilation === 'before';
    return {
      ...row,
      stride: isFirst ? stride : 1,
      dilation: before ? levels[row.level - 1].dilation : dilation,
      drop: depthRate(options, index, rows.length),
    };
  });
}
