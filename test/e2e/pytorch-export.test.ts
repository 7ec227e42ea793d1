import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportPyTorch } from '../../src/export/pytorch/pytorch.ts';
import { type GraphBuilder, pytorchNetworkOf } from '../../src/export/pytorch/pytorch-module.ts';
import { encodePyTorchCheckpoint } from '../../src/formats/pytorch/pytorch-checkpoint.ts';
import { countParameters } from '../../src/graph/cost.ts';
import { Graph } from '../../src/graph/graph.ts';
import { add } from '../../src/graph/ops/elementwise.ts';
import { resize } from '../../src/graph/ops/resize.ts';
import { defaultPreprocessing } from '../../src/image/preprocessing.ts';
import { getLabelSet } from '../../src/labels/registry.ts';
import { encoderFeatures } from '../../src/models/encoders/encoder-features.ts';
import { inferenceGraph } from '../../src/models/model.ts';
import { createModel, getArchitecture, listModels } from '../../src/models/registry.ts';
import { convolution } from '../../src/nn/layers.ts';
import { Scope } from '../../src/nn/scope.ts';
import { Random } from '../../src/random/random.ts';
import { expectClose } from '../contract/compare.ts';
import { independentEngine } from '../independent-engine.ts';
import { setInitialStates } from '../initial-states.ts';
import { randomStates } from '../random-weights.ts';
import { onTinyEncoder } from '../tiny-networks.ts';
import { buildEveryOp } from './every-op-network.ts';
import { python, torchIsThere, torchTimeout } from './python.ts';

/** Relative to the largest score; both sides work in single precision. */
const tolerance = 1e-4;
/** Loads each exported network, strictly, runs it on images and says what it saw; one process, since torch loads slowly. */
const script = `
import contextlib, importlib.util, io, json, os, runpy, sys, torch
torch.set_num_threads(1)
report = {}
for folder, sizes in json.loads(sys.argv[1]).items():
    file, weights = os.path.join(folder, 'model.py'), os.path.join(folder, 'ckpt.pth')
    spec = importlib.util.spec_from_file_location('model', file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    checkpoint = torch.load(weights, weights_only=True)
    plain = torch.load(weights, weights_only=False)
    network = module.FaceParsingNet().eval()
    network.load_state_dict(checkpoint['state_dict'], strict=True)
    for size in sizes:
        image = torch.frombuffer(bytearray(open(os.path.join(folder, size + '.in'), 'rb').read()), dtype=torch.float32)
        with torch.no_grad():
            scores = network(image.reshape(2, 3, *map(int, size.split('x'))))
        open(os.path.join(folder, size + '.out'), 'wb').write(scores.contiguous().numpy().tobytes())
    printed = ''
    if hasattr(module, 'count_parameters'):
        sys.argv, arguments = [file, weights], sys.argv
        with contextlib.redirect_stdout(io.StringIO()) as written:
            runpy.run_path(file, run_name='__main__')
        sys.argv, printed = arguments, written.getvalue().strip()
    state = network.state_dict()
    trainable = {name for name, _ in network.named_parameters()}
    report[folder] = {
        'printed': printed,
        'names': list(state),
        'equal': all(torch.equal(tensor, state[name]) for name, tensor in plain['state_dict'].items()),
        'parameters': sum(tensor.numel() for name, tensor in state.items() if name in trainable),
        'rest': {name: value for name, value in checkpoint.items() if name != 'state_dict'},
    }
print(json.dumps(report))
`;

interface Report {
  readonly printed: string;
  readonly names: string[];
  readonly equal: boolean;
  readonly parameters: number;
  readonly rest: object;
}

/** One network that is exported: its graph at any size, its weights, and images of some sizes. */
interface ExportCase {
  readonly name: string;
  readonly folder: string;
  readonly build: GraphBuilder;
  readonly states: ReadonlyMap<string, Float32Array>;
  readonly sizes: readonly (readonly [number, number])[];
}

/** Made when the tests run: they may be skipped. */
const parent = join(tmpdir(), `faceparse-pytorch-${process.pid}`);

function newCase(name: string, build: GraphBuilder, sizes: ExportCase['sizes']): ExportCase {
  return { name, folder: join(parent, name), build, states: randomStates(build(...sizes[0]), name), sizes };
}

/** An encoder whose features at all strides are summed to logits at stride 2. */
function featuresBuilder(encoder: string): GraphBuilder {
  return (height, width) => {
    const graph = new Graph();
    const scope = new Scope(graph, { training: false, seed: 0 });
    const image = graph.input('image', [2, 3, height, width]);
    const scores = encoderFeatures(scope, image, { encoder }).map(({ tensor }, index) => {
      const head = convolution(scope.at('heads').at(index), tensor, { filters: 3, kernel: 1, bias: true });
      return resize(head, height / 2, width / 2, 'nearest');
    });
    graph.output(
      'logits',
      scores.reduce((sum, score) => add(sum, score)),
    );
    return graph;
  };
}

function image(height: number, width: number): Float32Array {
  const random = new Random(height * 1000 + width, 'picture');
  return Float32Array.from({ length: 2 * 3 * height * width }, () => random.normal());
}

describe.skipIf(!torchIsThere)(
  'PyTorch (skipped where /usr/bin/python3 has no torch)',
  { timeout: torchTimeout },
  () => {
    const labels = 'celebamask-19';
    const { classes } = getLabelSet(labels);
    const models = listModels().map((name) => {
      const architecture = getArchitecture(name);
      const { multiple } = architecture;
      const model = createModel(name, { classes: classes.length, ...onTinyEncoder(architecture) });
      const build: GraphBuilder = (height, width) => inferenceGraph(model, { batch: 2, height, width });
      const sizes = [
        [2 * multiple, 2 * multiple],
        [3 * multiple, 2 * multiple],
      ] as const;
      return { ...newCase(name, build, sizes), settings: model.settings };
    });
    const everyOp = newCase('every op', buildEveryOp, [
      [16, 24],
      [40, 16],
    ]);
    // One of each family, with paddings that nn.Conv2d lacks. Their features say enough: decoders are tested above.
    const encoders = [
      'resnet18',
      'mobilenet_v2',
      'timm-mobilenetv3_large_100',
      'efficientnet-b0',
      'efficientnet-lite0',
    ].map((name) =>
      newCase(name, featuresBuilder(name), [
        [32, 64],
        [96, 32],
      ]),
    );
    const built = [everyOp, ...encoders];
    const cases = [...models, ...built];
    let reports: Record<string, Report> = {};

    beforeAll(async () => {
      for (const { name, folder, states, settings } of models) {
        const preprocessing = { ...defaultPreprocessing, size: 64 };
        await exportPyTorch({ model: name, settings, labels, preprocessing, states }, folder);
      }
      for (const { name, folder, build, states, sizes } of built) {
        const multiple = name === 'every op' ? 8 : 32;
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'model.py'), pytorchNetworkOf(build, multiple, `The network '${name}'.`));
        const tensors = [...build(...sizes[0]).states].map(
          ([key, { shape }]) => [key, { dtype: 'float32', shape, data: states.get(key)! }] as const,
        );
        writeFileSync(join(folder, 'ckpt.pth'), encodePyTorchCheckpoint({ state_dict: new Map(tensors) }));
      }
      for (const { folder, sizes } of cases) {
        for (const [height, width] of sizes) writeFileSync(join(folder, `${height}x${width}.in`), image(height, width));
      }
      const jobs = Object.fromEntries(cases.map(({ folder, sizes }) => [folder, sizes.map((size) => size.join('x'))]));
      const child = spawnSync(python, ['-c', script, JSON.stringify(jobs)], { encoding: 'utf8', maxBuffer: 1 << 26 });
      expect(child.status, child.stderr).toBe(0);
      reports = JSON.parse(child.stdout);
    }, torchTimeout);

    afterAll(() => {
      rmSync(parent, { recursive: true, force: true });
    });

    it.each(cases)('computes the same logits: $name', async ({ folder, build, states, sizes }) => {
      for (const [height, width] of sizes) {
        const graph = build(height, width);
        setInitialStates(graph, states);
        const program = await independentEngine().compile(graph);
        const { logits } = await program.run({ image: image(height, width) });
        await program.dispose();
        const bytes = readFileSync(join(folder, `${height}x${width}.out`));
        const seen = new Float32Array(Uint8Array.from(bytes).buffer);
        expectClose(seen, logits, tolerance, `${height}×${width}`);
        expect(logits.some((value) => Math.abs(value) > 0.01)).toBe(true);
      }
    });

    it.each(encoders)('has the same parameter names as faceparse: $name', ({ folder, states }) => {
      const { names } = reports[folder];
      expect(names.filter((key) => !key.endsWith('num_batches_tracked')).sort()).toEqual([...states.keys()].sort());
    });

    it.each(models)('has the same parameter names and count as faceparse: $name', ({ name, folder, build, states }) => {
      const { names, equal, parameters, printed, rest } = reports[folder];
      const graph = build(64, 64);
      expect(names.filter((key) => !key.endsWith('num_batches_tracked')).sort()).toEqual([...states.keys()].sort());
      expect(equal).toBe(true);
      expect(parameters).toBe(countParameters(graph));
      expect(printed).toBe(String(countParameters(graph)));
      const resize = 'stretch-area-bilinear';
      expect(rest).toMatchObject({ model: name, labels, classes: classes.length, size: 64, resize });
    });
  },
);
