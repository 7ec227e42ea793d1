/** What the add-on tells of itself. */
export interface AddonFacts {
  /** Version of oneDNN, such as `2.6.3`. */
  readonly oneDnn: string;
  /** Instruction set that oneDNN generates code for, such as `avx512_core`. */
  readonly oneDnnInstructionSet: string;
  /** Instruction set of the add-on's own kernels: `avx512`, `avx2` or `baseline`. */
  readonly kernelInstructionSet: string;
  /** How many channels lie side by side in a blocked feature map. */
  readonly channelBlock: 8 | 16;
  /** Ops of elementwise programs, by their numbers. */
  readonly elementwiseOps: readonly string[];
  /** Activations by their numbers, `none` first. */
  readonly activations: readonly string[];
  /** Those that oneDNN applies to the result of a convolution. */
  readonly convolutionActivations: readonly string[];
  /** Operands and instructions of an elementwise program together, at most. */
  readonly maxElementwiseValues: number;
  /** Terms whose sum the gradient of a normalisation takes, at most. */
  readonly maxGradientTerms: number;
}

/** A side of a convolution: channels, height, width, and the block of its layout (1: plain). */
export type ConvolutionSide = readonly [channels: number, height: number, width: number, block: number];

/** What the planner asks oneDNN for. */
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
  /** Whether the result is added to what is in the destination, before the activation. */
  readonly sum?: boolean;
  readonly inference?: boolean;
  /** Whether Winograd's algorithm is preferred where oneDNN has it. */
  readonly winograd?: boolean;
}

export interface ConvolutionAnswer {
  /** What steps refer to. */
  readonly id: number;
  /** oneDNN's name for it, such as `jit:avx512_core`; `ref…` is slow. */
  readonly implementation: string;
  /** Bytes of the weights in oneDNN's own layout. */
  readonly weightsBytes: number;
  /** Whether that is the plain one. */
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
  /** Whether b is one matrix for the whole batch. */
  readonly oneB: boolean;
}

export interface MatrixProductAnswer {
  readonly id: number;
  readonly implementation: string;
  readonly scratchpadBytes: number;
}

/** Whoever answers the planner's questions: the add-on, or a stand-in in tests. */
export interface PrimitivePlanner {
  convolution(request: ConvolutionRequest): ConvolutionAnswer;
  matrixProduct(request: MatrixProductRequest): MatrixProductAnswer;
  /** Bytes that a kernel wants to work in; the fields are those of its step. */
  workspace(request: { readonly kind: string; readonly [field: string]: unknown }): number;
}

/** One step: its kind, a label for messages, and the fields that native/src reads for that kind. */
export interface PlanStep {
  readonly kind: string;
  readonly label: string;
  readonly [field: string]: unknown;
}

/** A program as the add-on takes it: all of its memory in one block, and what is done on it. */
export interface NativePlan {
  readonly bytes: number;
  /** Done once, when the constants are in place. */
  readonly initial: readonly PlanStep[];
  /** What is done in a run of each entry. */
  readonly entries: readonly (readonly PlanStep[])[];
}

/** Byte offset and array by turns. */
export type PlacedArrays = readonly (number | Float32Array | Int32Array)[];

/** A compiled plan. Calls must not overlap. */
export interface AddonProgram {
  /** Runs the entry of that number. */
  run(entry: number, inputs: PlacedArrays, outputs: PlacedArrays): Promise<void>;
  read(offset: number, target: Float32Array): void;
  write(offset: number, source: Float32Array): void;
  /**
   * For each entry, seconds by step over the runs since the last call, and how many those were; says whether further runs are
   * measured.
   */
  profile(on: boolean): { seconds: Float64Array; runs: number }[];
  dispose(): void;
}

export interface AddonBuilder extends PrimitivePlanner {
  compile(plan: NativePlan, contents: PlacedArrays): Promise<AddonProgram>;
}

export interface AddonEngine {
  /** GFLOP/s of the product of two square matrices. */
  sgemmPeak(size: number): Promise<number>;
}

/**
 * What src/data does with images, to the same bits, for the thread that calls. Numbers that TypeScript works out from the drawn
 * augmentation come as they are: mathematical functions differ between languages. All arrays may lie on shared memory.
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
  /** `addNoise` of src/data/augmentation/photometric.ts, with the state of its generator, which it moves on. */
  addNoise(planes: Float32Array, offset: number, size: number, factors: Float64Array, state: Int32Array): void;
}

/** What native/src/addon.cc exports. */
export interface Addon {
  readonly NativeEngine: new (threads: number) => AddonEngine;
  readonly PlanBuilder: new (engine: AddonEngine) => AddonBuilder;
  readonly augmentation: AddonAugmentation;
  facts(): AddonFacts;
}
