/**
 * Writes ONNX models as protobuf bytes, with only those messages of onnx.proto3 that a model needs.
 * Field numbers are those of the ONNX specification (onnx/onnx.proto3).
 */

export type OnnxElementType = 'float32' | 'uint8' | 'int32' | 'int64' | 'bool';

const elementTypeCodes: Record<OnnxElementType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };

/** An attribute: an integer, a float as { float }, a string, or a list of numbers. */
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly opType: string;
  readonly domain?: string;
  /** An empty name marks an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array | BigInt64Array;
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxElementType;
  /** A string names a dynamic extent. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly initializers: readonly OnnxTensor[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A growing byte buffer with protobuf's wire types. */
class ProtobufWriter {
  private buffer = new Uint8Array(1 << 10);
  private length = 0;
  private static readonly text = new TextEncoder();

  private reserve(extra: number): void {
    if (this.length + extra <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + extra));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  private varint(value: number | bigint): void {
    this.reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 127n) {
      this.buffer[this.length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.buffer[this.length++] = Number(rest);
  }

  integer(field: number, value: number): void {
    this.varint(field << 3);
    this.varint(value);
  }

  float(field: number, value: number): void {
    this.varint((field << 3) | 5);
    this.reserve(4);
    new DataView(this.buffer.buffer).setFloat32(this.length, value, true);
    this.length += 4;
  }

  bytes(field: number, value: Uint8Array): void {
    this.varint((field << 3) | 2);
    this.varint(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.length);
    this.length += value.length;
  }

  string(field: number, value: string): void {
    this.bytes(field, ProtobufWriter.text.encode(value));
  }

  packedIntegers(field: number, values: readonly number[]): void {
    const packed = new ProtobufWriter();
    for (const value of values) packed.varint(value);
    this.bytes(field, packed.finish());
  }

  message(field: number, write: (message: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.bytes(field, inner.finish());
  }

  finish(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

function writeAttribute(writer: ProtobufWriter, name: string, value: OnnxAttribute): void {
  writer.string(1, name);
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw new Error(`ONNX attribute ${name}: ${value} is not an integer; use { float }`);
    writer.integer(3, value);
    writer.integer(20, 2);
  } else if (typeof value === 'string') {
    writer.string(4, value);
    writer.integer(20, 3);
  } else if ('float' in value) {
    writer.float(2, value.float);
    writer.integer(20, 1);
  } else {
    writer.packedIntegers(8, value);
    writer.integer(20, 7);
  }
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, node.outputs[0] ?? '');
  writer.string(4, node.opType);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    writer.message(5, (attribute) => writeAttribute(attribute, name, value));
  }
  if (node.domain) writer.string(7, node.domain);
}

function writeTensor(writer: ProtobufWriter, tensor: OnnxTensor): void {
  writer.packedIntegers(1, tensor.shape);
  writer.integer(2, elementTypeCodes[tensor.type]);
  writer.string(8, tensor.name);
  const { buffer, byteOffset, byteLength } = tensor.data;
  writer.bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
}

function writeValueInfo(writer: ProtobufWriter, info: OnnxValueInfo): void {
  writer.string(1, info.name);
  writer.message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.integer(1, elementTypeCodes[info.type]);
      tensor.message(2, (shape) => {
        for (const extent of info.shape) {
          shape.message(1, (dimension) => {
            if (typeof extent === 'number') dimension.integer(1, extent);
            else dimension.string(2, extent);
          });
        }
      });
    }),
  );
}

/**
 * Encodes an .onnx file. Tensor data is little-endian, as in memory.
 *
 * @throws Error if the model exceeds protobuf's limit of 2 GiB
 */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const payload = model.initializers.reduce((sum, tensor) => sum + tensor.data.byteLength, 0);
  if (payload >= 2 ** 31 - 2 ** 24) throw new Error(`the ONNX model has ${payload} bytes; protobuf's limit is 2 GiB`);
  const writer = new ProtobufWriter();
  writer.integer(1, 8);
  writer.string(2, 'faceparse');
  writer.message(7, (graph) => {
    for (const node of model.nodes) graph.message(1, (message) => writeNode(message, node));
    graph.string(2, 'faceparse');
    for (const tensor of model.initializers) graph.message(5, (message) => writeTensor(message, tensor));
    for (const info of model.inputs) graph.message(11, (message) => writeValueInfo(message, info));
    for (const info of model.outputs) graph.message(12, (message) => writeValueInfo(message, info));
  });
  for (const [domain, version] of Object.entries(model.opsets)) {
    writer.message(8, (opset) => {
      opset.string(1, domain);
      opset.integer(2, version);
    });
  }
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    writer.message(14, (entry) => {
      entry.string(1, key);
      entry.string(2, value);
    });
  }
  return writer.finish();
}
