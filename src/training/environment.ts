import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';
import type { Dataset } from '../data/dataset.ts';
import type { Engine } from '../engine/engine.ts';

/** The version of faceparse, from its package.json. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return version;
}

/** What a run records of the place where it ran, and of where its data and first weights came from. */
export interface RunEnvironment {
  readonly faceparse: string;
  readonly node: string;
  readonly onnxruntime: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  readonly started: string;
  readonly parameters: number;
  readonly trainingData: { readonly folder: string; readonly pairs: number; readonly stemsSha256: string };
  /** Training from scratch is all there is: no pretrained weights, no other data. */
  readonly initialWeights: string;
}

function installedVersion(name: string): string {
  try {
    const path = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
    return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  } catch {
    return 'unknown';
  }
}

export function describeEnvironment(options: {
  engine: Engine;
  threads: number;
  dataset: Dataset;
  parameters: number;
  seed: number;
}): RunEnvironment {
  const { engine, threads, dataset, parameters, seed } = options;
  const stems = dataset.items.map(({ stem }) => stem).join('\n');
  return {
    faceparse: packageVersion(),
    node: process.version,
    onnxruntime: installedVersion('onnxruntime-node'),
    platform: `${platform()} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    engine: { name: engine.name, device: engine.device, threads },
    started: new Date().toISOString(),
    parameters,
    trainingData: {
      folder: dataset.folder,
      pairs: dataset.items.length,
      stemsSha256: createHash('sha256').update(stems).digest('hex'),
    },
    initialWeights: `random, seed ${seed}`,
  };
}
