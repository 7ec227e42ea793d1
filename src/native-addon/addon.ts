/** Facts that the add-on reports about itself. */
export interface AddonFacts {
  /** Version of oneDNN, such as `2.6.3`. */
  readonly oneDnn: string;
  /** Instruction set that oneDNN generates code for, such as `avx512_core`. */
  readonly oneDnnInstructionSet: string;
  /** Instruction set of the add-on's own kernels: `avx512`, `avx2` or `baseline`. */
  readonly kernelInstructionSet: string;
  /** Number of interleaved channels in a blocked feature map. */
  readonly channelBlock: 8 | 16;
  /** Ops of elementwise programs, in order of their numbers. */
  readonly elementwiseOps: readonly string[];
  /** Activations in order of their numbers, `none` first. */
  readonly activations: readonly string[];
  /** Activations that oneDNN can fuse into a convolution. */
  readonly convolutionActivations: readonly string[];
  /** Maximum number of operands and instructions of an elementwise program, together. */
  readonly maxElementwiseValues: number;
  /** Maximum number of terms in the summed gradient of a normalisation. */
  readonly maxGradientTerms: number;
}

/** A side of a convolution: channels, height, width, and the block of its layout (1: plain). */
export type ConvolutionSide = readonly [channels: number, height: number, width: number, block: number];

/** A convolution that the planner requests from oneDNN. */
export interface ConvolutionRequest {
  readonly label: string;
  readonly direction: 'forward' | 'inputGradient' | 'weightGradient';
  readonly images: number;
  readonly groups: number;
  readonly source: ConvolutionSide;
  readonly destination: ConvolutionSide;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly bias?: boolean;
  readonly activation?: string;
  /** Whether the result is added to the destination's previous value, before the activation. */
  readonly sum?: boolean;
  readonly inference?: boolean;
  /** Whether to prefer Winograd's algorithm if oneDNN provides it. */
  readonly winograd?: boolean;
}

export interface ConvolutionAnswer {
  /** Id by which steps refer to it. */
  readonly id: number;
  /** oneDNN's name for it, such as `jit:avx512_core`; `ref…` is slow. */
  readonly implementation: string;
  /** Bytes of the weights in oneDNN's own layout. */
  readonly weightsBytes: number;
  /** Whether oneDNN's layout of the weights is the plain one. */
  readonly plainWeights: boolean;
  readonly scratchpadBytes: number;
}

export interface MatrixProductRequest {
  readonly label: string;
  readonly batch: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Whether b is a single matrix for the whole batch. */
  readonly oneB: boolean;
}

export interface MatrixProductAnswer {
  readonly id: number;
  readonly implementation: string;
  readonly scratchpadBytes: number;
}

/** Answers the planner's queries: the add-on, or a fake in tests. */
export interface PrimitivePlanner {
  convolution(request: ConvolutionRequest): ConvolutionAnswer;
  matrixProduct(request: MatrixProductRequest): MatrixProductAnswer;
  /** Returns the bytes of workspace that a kernel needs, given the fields of its step. */
  workspace(request: { readonly kind: string; readonly [field: string]: unknown }): number;
}

/** One step: its kind, a label for messages, and the fields that native/src reads for that kind. */
export interface PlanStep {
  readonly kind: string;
  readonly label: string;
  readonly [field: string]: unknown;
}

/** A program for the add-on: one block of memory and the steps that run on it. */
export interface NativePlan {
  readonly bytes: number;
  /** Steps that run once, after the constants are written. */
  readonly initial: readonly PlanStep[];
  /** Steps of a run, for each entry. */
  readonly entries: readonly (readonly PlanStep[])[];
}

/** Alternating byte offsets and arrays. */
export type PlacedArrays = readonly (number | Float32Array | Int32Array)[];

/** A compiled plan. Calls must not overlap. */
export interface AddonProgram {
  /** Runs the entry with that index. */
  run(entry: number, inputs: PlacedArrays, outputs: PlacedArrays): Promise<void>;
  read(offset: number, target: Float32Array): void;
  write(offset: number, source: Float32Array): void;
  /**
   * Returns, for each entry, the seconds of each step over the runs since the last call and the number of runs. Switches
   * profiling of further runs on or off.
   */
  profile(on: boolean): { seconds: Float64Array; runs: number }[];
  dispose(): void;
}

export interface AddonBuilder extends PrimitivePlanner {
  compile(plan: NativePlan, contents: PlacedArrays): Promise<AddonProgram>;
}

export interface AddonEngine {
  /** Measures the GFLOP/s of a product of two square matrices. */
  sgemmPeak(size: number): Promise<number>;
}

/**
 * The image functions of src/data, bit-identical, on the calling thread. TypeScript computes the parameters, because
 * mathematical functions differ between languages. All arrays may be backed by shared memory.
 */
export interface AddonAugmentation {
  /**
   * `warpPhoto` of src/data/augmentation/warp.ts.
   *
   * @param boxes ax, bx, cx, ay, by, cy of the boxes' corners, then their width and height
   * @param color 3 gains, 3 biases, and the 12 numbers of the colour matrix if there is one
   */
  warpPhoto(
    photo: Uint8Array,
    width: number,
    height: number,
    boxes: Float64Array,
    mirrored: boolean,
    color: Float64Array,
    size: number,
    out: Float32Array,
    offset: number,
  ): void;
  /**
   * `warpLabels` of src/data/augmentation/warp.ts.
   *
   * @param places ax, bx, cx, ay, by, cy
   */
  warpLabels(
    map: Uint8Array,
    width: number,
    height: number,
    places: Float64Array,
    mirrored: boolean,
    relabel: Uint8Array,
    outside: number,
    size: number,
    out: Int32Array | Uint8Array,
    offset: number,
  ): void;
  /** `blurPlanes` of src/data/augmentation/photometric.ts. */
  blurPlanes(planes: Float32Array, offset: number, size: number, kernel: Float64Array): void;
  /** `addNoise` of src/data/augmentation/photometric.ts, with the state of its generator, which it advances. */
  addNoise(planes: Float32Array, offset: number, size: number, factors: Float64Array, state: Int32Array): void;
}

/**
 * The work on pixels around the network, bit-identical with src/parser and src/image, on libuv's threads. TypeScript computes
 * the positions. Arrays must not be changed or transferred before the promise resolves.
 */
export interface AddonPixels {
  /**
   * `upsampledArgmax` of src/parser/grid/argmax.ts.
   *
   * @param rows lower row of the grid for every output row
   * @param columnFractions floats
   * @param labels rows×columns
   * @param pixels room for 256 numbers
   */
  argmax(
    scores: Float32Array,
    classes: number,
    height: number,
    width: number,
    rows: Int32Array,
    rowFractions: Float64Array,
    columns: Int32Array,
    columnFractions: Float64Array,
    labels: Uint8Array,
    pixels: Float64Array,
  ): Promise<void>;
  /**
   * `addProbabilitiesSteps` of src/parser/grid/probability-sums.ts.
   *
   * @param targets for each class, the one that it is added to
   * @param sums classes×rows×columns
   */
  addProbabilities(
    scores: Float32Array,
    classes: number,
    height: number,
    width: number,
    rows: Int32Array,
    rowFractions: Float64Array,
    columns: Int32Array,
    columnFractions: Float64Array,
    targets: Uint8Array,
    mirrored: boolean,
    sums: Float32Array,
  ): Promise<void>;
  /**
   * `meanLogarithmsSteps` of src/parser/grid/probability-sums.ts.
   *
   * @param least minimum mean, one number
   */
  meanLogarithms(sums: Float32Array, views: number, least: Float64Array, out: Float32Array): Promise<void>;
  /** `drawBoxesSteps` of src/image/draw-boxes.ts; the arguments are those of `AddonAugmentation.warpPhoto`. */
  drawBoxes(...call: Parameters<AddonAugmentation['warpPhoto']>): Promise<void>;
  /**
   * `blockMeansSteps` of src/image/block-means.ts.
   *
   * @param out ⌊height/factor⌋×⌊width/factor⌋×3
   */
  blockMeans(photo: Uint8Array, width: number, height: number, factor: number, out: Uint8Array): Promise<void>;
  /**
   * `photoToInput` of src/image/preprocessing.ts.
   *
   * @param starts the first source pixel of each output pixel, for columns and then for rows; `counts` and `weights` go with it
   * @param area sum of the weights of one output pixel, one number
   * @param x where the photo begins in the square
   * @param padding the byte around the photo
   * @param tables the input for each byte, 3×256
   * @param out 3×size×size
   */
  photoToInput(
    photo: Uint8Array,
    width: number,
    height: number,
    size: number,
    starts: Int32Array,
    counts: Int32Array,
    weights: Float64Array,
    rowStarts: Int32Array,
    rowCounts: Int32Array,
    rowWeights: Float64Array,
    area: Float64Array,
    x: number,
    y: number,
    padding: number,
    tables: Float32Array,
    out: Float32Array,
  ): Promise<void>;
}

/** What native/src/addon.cc exports. */
export interface Addon {
  readonly NativeEngine: new (threads: number) => AddonEngine;
  readonly PlanBuilder: new (engine: AddonEngine) => AddonBuilder;
  readonly augmentation: AddonAugmentation;
  readonly pixels: AddonPixels;
  facts(): AddonFacts;
}
