import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { encodeOnnxModel, type OnnxModel } from './onnx-protobuf.ts';

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];
const field = (number: number, bytes: readonly number[]) => [(number << 3) | 2, bytes.length, ...bytes];

const empty: OnnxModel = { opsets: {}, nodes: [], inputs: [], outputs: [], initializers: [] };

/** y = x, on one float. */
const identity: OnnxModel = {
  ...empty,
  opsets: { '': 17 },
  nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'] }],
  inputs: [{ name: 'x', type: 'float32', shape: ['n', 300] }],
  outputs: [{ name: 'y', type: 'float32', shape: ['n', 300] }],
};

describe('encodeOnnxModel', () => {
  it('writes the fields of onnx.proto3, byte for byte', () => {
    const node = [
      ...field(1, bytesOf('x')),
      ...field(2, bytesOf('y')),
      ...field(3, bytesOf('y')),
      ...field(4, bytesOf('Identity')),
    ];
    // 300 as a varint is 0b1_0101100: AC 02.
    const shape = [...field(1, field(2, bytesOf('n'))), ...field(1, [0x08, 0xac, 0x02])];
    const type = field(1, [0x08, 0x01, ...field(2, shape)]);
    const value = (name: string) => [...field(1, bytesOf(name)), ...field(2, type)];
    const graph = [
      ...field(1, node),
      ...field(2, bytesOf('faceparse')),
      ...field(11, value('x')),
      ...field(12, value('y')),
    ];
    const model = [0x08, 0x08, ...field(2, bytesOf('faceparse')), ...field(7, graph)];
    const opset = field(8, [...field(1, []), 0x10, 0x11]);
    expect([...encodeOnnxModel(identity)]).toEqual([...model, ...opset]);
  });

  it('writes metadata as pairs of texts', () => {
    const bytes = [...encodeOnnxModel({ ...empty, metadata: { labels: 'Ohr-ö' } })];
    const entry = field(14, [...field(1, bytesOf('labels')), ...field(2, bytesOf('Ohr-ö'))]);
    expect(bytes.slice(-entry.length)).toEqual(entry);
  });

  it('writes the elements of a view, and not the rest of its buffer', () => {
    const data = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const tensor = { name: 'w', type: 'float32', shape: [2], data } as const;
    const bytes = [...encodeOnnxModel({ ...empty, initializers: [tensor] })];
    const raw = [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40];
    const encoded = field(5, [...field(1, [2]), 0x10, 0x01, ...field(8, bytesOf('w')), ...field(9, raw)]);
    expect(bytes.join()).toContain(encoded.join());
  });

  it('is what ONNX Runtime reads: every kind of attribute, element type and input', async () => {
    const model: OnnxModel = {
      opsets: { '': 17, 'com.microsoft': 1 },
      nodes: [
        { opType: 'Transpose', inputs: ['x'], outputs: ['turned'], attributes: { perm: [1, 0] } },
        { opType: 'LeakyRelu', inputs: ['turned'], outputs: ['leaky'], attributes: { alpha: { float: 0.25 } } },
        { opType: 'Gather', inputs: ['leaky', 'rows'], outputs: ['chosen'], attributes: { axis: -2 } },
        { opType: 'Cast', inputs: ['small'], outputs: ['small.float'], attributes: { to: 1 } },
        { opType: 'Add', inputs: ['chosen', 'small.float'], outputs: ['sum'] },
        // The lower bound is left out.
        { opType: 'Clip', inputs: ['sum', '', 'ceiling'], outputs: ['clipped'] },
        { opType: 'Where', inputs: ['mask', 'clipped', 'sum'], outputs: ['y'] },
        {
          opType: 'FusedMatMul',
          domain: 'com.microsoft',
          inputs: ['y', 'y'],
          outputs: ['product'],
          attributes: { transB: 1, alpha: { float: 0.5 } },
        },
        { opType: 'DepthToSpace', inputs: ['deep'], outputs: ['space'], attributes: { blocksize: 2, mode: 'CRD' } },
      ],
      inputs: [{ name: 'x', type: 'float32', shape: ['columns', 3] }],
      outputs: [
        { name: 'y', type: 'float32', shape: [2, 'columns'] },
        { name: 'product', type: 'float32', shape: [2, 2] },
        { name: 'space', type: 'float32', shape: [1, 1, 2, 2] },
      ],
      initializers: [
        { name: 'rows', type: 'int64', shape: [2], data: BigInt64Array.of(2n, -3n) },
        { name: 'small', type: 'int32', shape: [2, 1], data: Int32Array.of(-1, 10) },
        { name: 'ceiling', type: 'float32', shape: [], data: Float32Array.of(11) },
        { name: 'mask', type: 'bool', shape: [2, 1], data: Uint8Array.of(0, 1) },
        { name: 'deep', type: 'float32', shape: [1, 4, 1, 1], data: Float32Array.of(1, 2, 3, 4) },
      ],
    };
    const session = await InferenceSession.create(encodeOnnxModel(model), { logSeverityLevel: 3 });
    // Rows of x are columns after the transposition: rows 2 and 0 of [[1, -4], [2, 5], [-8, 6]].
    const x = new Tensor('float32', Float32Array.of(1, 2, -8, -4, 5, 6), [2, 3]);
    const { y, product, space } = await session.run({ x });
    expect([...(y.data as Float32Array)]).toEqual([-2 - 1, 6 - 1, 11, -1 + 10]);
    expect([...(product.data as Float32Array)]).toEqual([17, 6, 6, 101]);
    expect([...(space.data as Float32Array)]).toEqual([1, 2, 3, 4]);
    await session.release();
  });

  it('refuses a fraction that is not written as { float }', () => {
    const nodes = [{ opType: 'LeakyRelu', inputs: ['x'], outputs: ['y'], attributes: { alpha: 0.25 } }];
    expect(() => encodeOnnxModel({ ...identity, nodes })).toThrow('ONNX attribute alpha: 0.25 is not an integer');
  });
});
