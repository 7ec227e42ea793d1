import { unzipSync, zipSync } from 'fflate';
import { beforeAll, expect, it } from 'vitest';
import { randomStates } from '../../../test/random-weights.ts';
import { toHalf } from '../../formats/float16.ts';
import { encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import { type Graph, sizeOf } from '../../graph/graph.ts';
import { inferenceGraph } from '../model.ts';
import { createModel } from '../registry.ts';
import { importWeights } from './import-weights.ts';

const network = { model: 'pspnet', encoder: 'mobilenet_v2', labels: 'celebamask-19', size: 64 };
let graph: Graph;
let states: Map<string, Float32Array>;

beforeAll(() => {
  const model = createModel('pspnet', { encoder: 'mobilenet_v2', classes: 19 });
  graph = inferenceGraph(model, { batch: 1, height: 64, width: 64 });
  // Values that bfloat16 and half precision hold exactly.
  states = new Map([...randomStates(graph, 'dtypes')].map(([name, data]) => [name, data.map(coarse)]));
});

const coarse = (value: number) => Math.round(value * 64) / 64;
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
const upperHalves = (data: Float32Array) => new Uint16Array(data.slice().buffer).filter((_, at) => at % 2 === 1);

type Convert = (data: Float32Array) => ArrayBufferView;
const dtypes: readonly (readonly [name: string, storage: string, stored: string, Convert])[] = [
  ['bfloat16', 'BFloat16Storage', 'BF16', upperHalves],
  ['float16', 'HalfStorage', 'F16', (data) => Uint16Array.from(data, toHalf)],
  ['float64', 'DoubleStorage', 'F64', (data) => Float64Array.from(data)],
];

/** A .pth whose tensors have another type: the class of the storages is a line of the pickle. */
function checkpoint(storage: string, convert: Convert): Uint8Array {
  const tensors = [...states].map(
    ([name, data]) =>
      [`module.${name}`, { dtype: 'float32' as const, shape: graph.states.get(name)!.shape, data }] as const,
  );
  const files = unzipSync(encodePyTorchCheckpoint({ state_dict: new Map(tensors) }));
  for (const [name, bytes] of Object.entries(files)) {
    if (name.includes('/data/')) files[name] = bytesOf(convert(new Float32Array(bytes.slice().buffer)));
    if (!name.endsWith('data.pkl')) continue;
    const text = Buffer.from(bytes).toString('latin1').replaceAll('ctorch\nFloatStorage\n', `ctorch\n${storage}\n`);
    files[name] = Buffer.from(text, 'latin1');
  }
  return zipSync(files, { level: 0 });
}

/** A .safetensors file whose tensors have another type. */
function safetensors(dtype: string, convert: Convert): Uint8Array {
  let end = 0;
  const parts: Uint8Array[] = [];
  const header = Object.fromEntries(
    [...states].map(([name, data]) => {
      const bytes = bytesOf(convert(data));
      const start = end;
      end += bytes.length;
      parts.push(bytes);
      return [name, { dtype, shape: graph.states.get(name)!.shape, data_offsets: [start, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...parts]);
}

it.each(dtypes)('reads a network in %s, from .pth and .safetensors', (_, storage, stored, convert) => {
  for (const bytes of [checkpoint(storage, convert), safetensors(stored, convert)]) {
    const { weights } = importWeights(bytes, 'a', network);
    expect([...weights.states.keys()]).toEqual([...states.keys()]);
    for (const [name, data] of states) {
      const found = weights.states.get(name)!;
      expect(found.length).toBe(sizeOf(graph.states.get(name)!.shape));
      expect(Buffer.compare(bytesOf(found), bytesOf(data)), name).toBe(0);
    }
  }
});
