import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { gradients } from '../../src/graph/autodiff.ts';
import { Graph } from '../../src/graph/graph.ts';
import { resize } from '../../src/graph/ops/resize.ts';
import { combinedLoss, type LossOptions } from '../../src/losses/combined.ts';
import { losses } from '../../src/losses/registry.ts';
import { Random } from '../../src/random/random.ts';
import { expectClose } from './compare.ts';
import { loadEngines } from './engines.ts';

/** Far below any mistake; the sums of single precision are off by a few 1e-6. */
const tolerance = 1e-4;
const [height, width] = [4, 5];
const ignored = 255;

interface Size {
  readonly images: number;
  readonly classes: number;
}

const sizes: readonly Size[] = [
  { images: 2, classes: 4 },
  { images: 1, classes: 2 },
];

interface Input {
  readonly logits: Float32Array;
  readonly labels: Int32Array;
}

/** A batch by name: a logit and a label for every pixel. The labels have twice the side of the logits. */
type Scenario = (
  size: Size,
  random: Random,
) => { readonly logit: () => number; readonly label: (image: number) => number };

const usual = (random: Random) => () => 2 * random.normal();
/** Probabilities of 0 and 1, with ties. Upsampling by 2 does not round these values. */
const extreme = (random: Random) => () => (random.chance(0.5) ? 1e4 : -1e4);

const scenarios: Readonly<Record<string, Scenario>> = {
  'every class and ignored pixels': ({ classes }, random) => ({
    logit: usual(random),
    label: () => (random.chance(0.2) ? ignored : random.integer(classes)),
  }),
  'a class that never occurs': ({ classes }, random) => ({
    logit: usual(random),
    label: () => random.integer(classes - 1),
  }),
  'background alone': (_, random) => ({ logit: usual(random), label: () => 0 }),
  'a batch of ignored pixels': (_, random) => ({ logit: usual(random), label: () => ignored }),
  'one image of ignored pixels': ({ classes }, random) => ({
    logit: usual(random),
    label: (image) => (image === 0 ? ignored : random.integer(classes)),
  }),
  'logits of ±1e4': ({ classes }, random) => ({ logit: extreme(random), label: () => random.integer(classes) }),
  'logits of ±1e4 and a class that never occurs': ({ classes }, random) => ({
    logit: extreme(random),
    label: () => random.integer(classes - 1),
  }),
  'logits of ±1e4 and ignored pixels alone': (_, random) => ({ logit: extreme(random), label: () => ignored }),
};

function draw(name: string, size: Size): Input {
  const random = new Random(1, name, size.images);
  const { logit, label } = scenarios[name](size, random);
  const pixels = 4 * height * width;
  return {
    logits: Float32Array.from({ length: size.images * size.classes * height * width }, logit),
    labels: Int32Array.from({ length: size.images * pixels }, (_, index) => label(Math.floor(index / pixels))),
  };
}

/** A certain and wrong prediction: no pixel of the last class is found, and an absent class has sums of exactly 0. */
function certainlyWrong({ images, classes }: Size): Input {
  const plane = height * width;
  const ofChannel = (index: number) => Math.floor(index / plane) % classes;
  return {
    logits: Float32Array.from({ length: images * classes * plane }, (_, i) => (ofChannel(i) === 0 ? 1e4 : -1e4)),
    labels: new Int32Array(images * 4 * plane).fill(classes - 1),
  };
}

const unsmoothed = { diceSmooth: 0, jaccardSmooth: 0, tverskySmooth: 0 };
const everyLoss = Object.fromEntries(losses.map(({ name }) => [name, 1]));

function variantsOf({ classes }: Size): readonly [string, LossOptions][] {
  const classWeights = Array.from({ length: classes }, (_, id) => 0.5 + id);
  return [
    ...losses.map(({ name }): [string, LossOptions] => [
      name,
      { crossEntropy: 0, dice: 0, ...unsmoothed, tverskyAlpha: 0, tverskyBeta: 1, [name]: 1 },
    ]),
    ['the sum of all', everyLoss],
    [
      'the sum of all, without smoothing, with weights and label smoothing',
      { ...everyLoss, ...unsmoothed, classWeights, labelSmoothing: 0.1, focalGamma: 0.5 },
    ],
  ];
}

function build({ images, classes }: Size, options: LossOptions): Graph {
  const graph = new Graph();
  const logits = graph.input('logits', [images, classes, height, width]);
  const labels = graph.input('labels', [images, 2 * height, 2 * width], 'int32');
  const { total, parts } = combinedLoss(resize(logits, 2 * height, 2 * width), labels, options);
  graph.output('loss', total);
  for (const [name, part] of parts) graph.output(`loss.${name}`, part);
  graph.output('gradient', gradients(total, [logits])[0]);
  return graph;
}

const precise = createReferenceEngine({ precision: 'float64' });

describe.each(await loadEngines())('losses on the engine $name on $device', (engine) => {
  for (const size of sizes) {
    const inputs = new Map<string, Input>(Object.keys(scenarios).map((name) => [name, draw(name, size)]));
    inputs.set('a certain and wrong prediction', certainlyWrong(size));
    it.each(variantsOf(size))(
      `are finite and right at the edges, ${size.images}×${size.classes} classes: %s`,
      async (_, options) => {
        const reference = await precise.compile(build(size, options));
        const program = await engine.compile(build(size, options));
        for (const [name, input] of inputs) {
          const expected = await reference.run({ ...input });
          const actual = await program.run({ ...input });
          expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
          for (const [output, value] of Object.entries(expected)) {
            expect(value.every(Number.isFinite), `${name}: ${output} in double precision`).toBe(true);
            expectClose(actual[output], value, tolerance, `${name}: ${output}`);
          }
          if (input.labels.every((label) => label === ignored)) {
            expect(
              [...actual.loss, ...actual.gradient].every((value) => value === 0),
              name,
            ).toBe(true);
          }
        }
        await program.dispose();
      },
    );
  }
});
