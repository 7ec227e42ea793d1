import type { OnnxAttribute, OnnxElementType, OnnxNode, OnnxTensor } from '../../formats/onnx-protobuf.ts';
import type { DataType, GraphNode, Shape, Tensor } from '../../graph/graph.ts';
import type { OpAttributes, OpName } from '../../graph/ops/all-ops.ts';

/** Options for writing a graph as ONNX. */
export interface LoweringOptions {
  /**
   * Whether operators specific to ONNX Runtime (`com.microsoft`) may be used. They are faster on its CPU provider. Models
   * for other providers or for export use only standard operators.
   */
  readonly contrib: boolean;
  /**
   * The extent that represents the number of images in the graph, and the name of an ONNX value whose first extent it is:
   * the model then takes any number of images. Without it, extents are fixed.
   */
  readonly batch?: { readonly extent: number; readonly of: string };
}

/** Collects ONNX nodes and initialisers; values are the names of ONNX tensors. */
export class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  private readonly shared = new Map<string, string>();
  private counter = 0;

  constructor(readonly options: LoweringOptions) {}

  name(prefix: string): string {
    return `${prefix}_${this.counter++}`;
  }

  /** Appends a node with several outputs. */
  emitAll(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, OnnxAttribute>,
    outputs: number,
    domain?: string,
  ): string[] {
    // The same operator on the same values is written once: gradients often repeat a piece of the forward pass.
    const key = JSON.stringify([opType, inputs, attributes, outputs, domain]);
    const known = this.sharedNodes.get(key);
    if (known) return known;
    const names = Array.from({ length: outputs }, () => this.name(opType));
    this.nodes.push({ opType, inputs, outputs: names, attributes, ...(domain && { domain }) });
    this.sharedNodes.set(key, names);
    return names;
  }

  private readonly sharedNodes = new Map<string, string[]>();

  /** Appends a node. @returns its output */
  emit(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, OnnxAttribute> = {},
    domain?: string,
  ): string {
    return this.emitAll(opType, inputs, attributes, 1, domain)[0];
  }

  private initializer(type: OnnxElementType, shape: Shape, data: OnnxTensor['data'], key?: string): string {
    const known = key && this.shared.get(key);
    if (known) return known;
    const name = this.name('constant');
    this.initializers.push({ name, type, shape, data });
    if (key) this.shared.set(key, name);
    return name;
  }

  tensor(data: Float32Array | Int32Array, shape: Shape): string {
    const single = this.repeatedImage(data, shape);
    if (single)
      return this.emit('Expand', [this.initializer('float32', [1, ...shape.slice(1)], single), this.shape(shape)]);
    return this.initializer(data instanceof Int32Array ? 'int32' : 'float32', shape, data);
  }

  /** For a dynamic batch: the image that a constant repeats for the whole batch. */
  private repeatedImage(data: Float32Array | Int32Array, shape: Shape): Float32Array | undefined {
    if (data instanceof Int32Array || shape.length !== 4 || !this.isBatch(shape)) return undefined;
    const size = data.length / shape[0];
    const single = data.subarray(0, size);
    return data.every((value, index) => value === single[index % size]) ? single : undefined;
  }

  private isBatch([first]: Shape): boolean {
    return this.options.batch !== undefined && first === this.options.batch.extent;
  }

  /** A shape as a value; for a dynamic batch, with the run's number of images. */
  shape(shape: Shape): string {
    if (!this.isBatch(shape)) return this.int64s(shape);
    const images = this.slice(this.emit('Shape', [this.options.batch!.of]), [0], [1], [0]);
    return this.emit('Concat', [images, this.int64s(shape.slice(1))], { axis: 0 });
  }

  float(value: number): string {
    return this.initializer('float32', [], Float32Array.of(value), `float ${value}`);
  }

  floats(data: Float32Array, shape: Shape, key: string): string {
    return this.initializer('float32', shape, data, `floats ${key} ${shape}`);
  }

  zeros(shape: Shape): string {
    return this.floats(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape, 'zeros');
  }

  int32s(values: readonly number[], shape: Shape): string {
    return this.initializer('int32', shape, Int32Array.from(values), `int32 ${values} ${shape}`);
  }

  uint8(value: number): string {
    return this.initializer('uint8', [], Uint8Array.of(value), `uint8 ${value}`);
  }

  int64(value: number): string {
    return this.initializer('int64', [], BigInt64Array.of(BigInt(value)), `int64 scalar ${value}`);
  }

  /** A list of whole numbers, as shapes and axes are given. */
  int64s(values: readonly number[]): string {
    return this.initializer('int64', [values.length], BigInt64Array.from(values, BigInt), `int64 ${values}`);
  }

  reshape(value: string, shape: Shape): string {
    // Minus one is inferred from the other extents.
    const target = this.options.batch && shape.length > 0 ? [-1, ...shape.slice(1)] : shape;
    return this.emit('Reshape', [value, this.int64s(target)]);
  }

  /** Truth values as 1 and 0. */
  toFloat(value: string): string {
    return this.emit('Cast', [value], { to: 1 });
  }

  reduceSum(value: string, axes: readonly number[], keepDims: boolean): string {
    return this.emit('ReduceSum', [value, this.int64s(axes)], { keepdims: keepDims ? 1 : 0 });
  }

  pad(value: string, before: readonly number[], after: readonly number[]): string {
    if ([...before, ...after].every((amount) => amount === 0)) return value;
    return this.emit('Pad', [value, this.int64s([...before, ...after])]);
  }

  slice(
    value: string,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps?: readonly number[],
  ): string {
    const lists = steps ? [starts, ends, axes, steps] : [starts, ends, axes];
    return this.emit('Slice', [value, ...lists.map((list) => this.int64s(list))]);
  }

  /** a·b over the last two axes; `rank` is what the transposed side has. */
  matMul(a: string, b: string, transposeA: boolean, transposeB: boolean, rankA: number, rankB: number): string {
    if (!transposeA && !transposeB) return this.emit('MatMul', [a, b]);
    if (this.options.contrib) {
      const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
      return this.emit('FusedMatMul', [a, b], attributes, 'com.microsoft');
    }
    const turned = (value: string, rank: number) => {
      const axes = Array.from({ length: rank }, (_, axis) => axis);
      return this.emit('Transpose', [value], { perm: [...axes.slice(0, -2), rank - 1, rank - 2] });
    };
    return this.emit('MatMul', [transposeA ? turned(a, rankA) : a, transposeB ? turned(b, rankB) : b]);
  }
}

/** The shape of a batch of images or of a convolution's weight. */
export type Four = readonly [number, number, number, number];

/** Arguments of a lowering rule: the builder, the node, and the ONNX names of its inputs. */
export interface LoweringCall<Attributes> {
  readonly builder: OnnxBuilder;
  readonly node: GraphNode;
  readonly attributes: Attributes;
  /** ONNX names of the inputs. */
  readonly values: readonly string[];
  /** Types and shapes of the inputs. */
  readonly inputs: readonly Tensor[];
  readonly output: { readonly shape: Shape; readonly dtype: DataType };
}

/** Lowers one op. @returns one ONNX name per output */
export type LoweringRule<Attributes extends object = object> = (
  call: LoweringCall<Attributes>,
) => string | readonly string[];

/** A rule for every op. */
export type LoweringTable = { readonly [Name in OpName]: LoweringRule<OpAttributes[Name]> };
