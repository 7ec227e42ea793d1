import { z } from 'zod';
import { noAugmentation } from '../data/augmentation/augment.ts';
import { checkPasteLabels, pasteableClasses } from '../data/augmentation/copy-paste-rules.ts';
import { findClass } from '../labels/find-class.ts';
import { getLabelSet, listLabelSets } from '../labels/registry.ts';
import { lossKeys } from '../losses/registry.ts';
import { FaceparseError } from '../text/errors.ts';

const share = z.number().min(0).max(1);
const positive = z.number().positive();
const whole = z.number().int();
const factorWanted = 'the factor must be a number from 1 to 100';

/** The message of the error that a check throws, if it does. */
function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof FaceparseError) return error.message;
    throw error;
  }
}

const copyPaste = z
  .strictObject({
    probability: share
      .default(0)
      .describe(
        'Probability that a class of another image is pasted in, where the rules of the class find room for it',
      ),
    classes: z
      .array(z.enum(pasteableClasses))
      .min(1)
      .default([...noAugmentation.copyPaste.classes])
      .describe('Classes that are pasted, each equally often; only with data.labels celebamask-19'),
  })
  .prefault({});

const augmentation = z
  .strictObject({
    flip: share.default(0.5).describe('Probability of a horizontal flip'),
    flipSwap: z
      .boolean()
      .default(true)
      .describe('Swap left and right labels when flipping; off only to measure what that costs'),
    rotation: z.number().min(0).max(180).default(18).describe('Degrees, uniform within plus or minus'),
    scale: z.number().min(0).max(2).default(0.22).describe('Size times e^s, s uniform within plus or minus'),
    shift: share.default(0.06).describe('Share of the side, uniform within plus or minus'),
    brightness: share.default(0.2).describe('Factor uniform within 1 plus or minus this'),
    contrast: share.default(0.2).describe('Factor about mid-grey, uniform within 1 plus or minus this'),
    saturation: share.default(0.2).describe('Factor uniform within 1 plus or minus this'),
    grayscale: share.default(0).describe('Probability of a grey photo'),
    blur: share.default(0).describe('Probability of a Gaussian blur, sigma uniform from 0.4 to 1.2 pixels'),
    jpeg: share.default(0).describe('Probability of the artefacts of JPEG, quality uniform from 20 to 80'),
    noise: share
      .default(0)
      .describe('Largest standard deviation of pixel noise as a share of the range (0.02 is 5 of 255), uniform from 0'),
    cutMix: share
      .default(0)
      .describe('Probability that a rectangle of 10 % to 40 % of the area shows another augmented image'),
    copyPaste,
  })
  .prefault({});

const data = z
  .strictObject({
    labels: z.string().default('celebamask-19').describe('Label set: celebamask-19 or face-8'),
    repair: z.boolean().default(true).describe('Mend training masks whose left and right are swapped'),
    cacheSize: whole.min(32).max(1024).default(512).describe('Side at which decoded images are kept'),
    diskCache: z
      .boolean()
      .default(false)
      .describe('Keep the decoded images on disk for the next run, in the cache folder'),
    workers: whole.min(0).max(16).default(1).describe('Threads that prepare batches'),
    oversample: z
      .record(z.string(), z.number(factorWanted).min(1, factorWanted).max(100, factorWanted))
      .default({})
      .describe(
        'How many times as often images with a class come up, such as {hat: 3, ear_r: 1.5}; the largest factor of an image counts',
      ),
    augmentation,
  })
  .superRefine(({ labels, oversample, augmentation }, context) => {
    // An unknown label set is told of where label sets are looked up.
    if (!listLabelSets().includes(labels)) return;
    const set = getLabelSet(labels);
    for (const name of Object.keys(oversample)) {
      const problem = problemOf(() => findClass(set, name));
      if (problem) context.addIssue({ code: 'custom', path: ['oversample', name], message: problem });
    }
    const problem = problemOf(() => checkPasteLabels(set, augmentation.copyPaste));
    if (problem)
      context.addIssue({ code: 'custom', path: ['augmentation', 'copyPaste', 'probability'], message: problem });
  })
  .prefault({});

const model = z
  .strictObject({
    name: z.string().default('compact').describe('Architecture; `faceparse models` lists them'),
  })
  .prefault({});

function lossGroup() {
  const { crossEntropy, dice, diceSmooth, lovasz, labelSmoothing, classWeights, ...laterLossKeys } = lossKeys;
  return z
    .strictObject({
      // The order that files have had from the first; a later loss need not be named here.
      crossEntropy,
      dice,
      diceSmooth,
      lovasz,
      labelSmoothing,
      auxiliary: z
        .number()
        .min(0)
        .default(0)
        .describe(
          "Weight of the same losses at the network's auxiliary heads, which only training has; 0 leaves them out",
        ),
      classWeights,
      ...laterLossKeys,
    })
    .prefault({});
}

const optimizer = z
  .strictObject({
    kind: z
      .enum(['adamw', 'sgd'])
      .default('adamw')
      .describe('AdamW uses beta1, beta2, epsilon; SGD momentum, nesterov'),
    weightDecay: z
      .number()
      .min(0)
      .default(0.01)
      .describe('Decay of convolution and matrix weights, not of biases and normalisation'),
    beta1: z.number().min(0).max(0.9999).default(0.9).describe('Decay of the mean of gradients (AdamW)'),
    beta2: z.number().min(0).max(0.99999).default(0.999).describe('Decay of the mean of squared gradients (AdamW)'),
    epsilon: positive.default(1e-8).describe('Added to the divisor (AdamW)'),
    momentum: z.number().min(0).max(0.9999).default(0.9).describe('Share of the last step that is kept (SGD)'),
    nesterov: z.boolean().default(false).describe('Look ahead along the momentum (SGD)'),
  })
  .prefault({});

const train = z
  .strictObject({
    size: whole.min(32).max(1024).default(256).describe('Side of the images that the network sees'),
    labelSize: whole
      .min(16)
      .max(1024)
      .optional()
      .describe('Side of the labels in the loss; that of the logits where not given'),
    resolutions: z
      .array(
        z.strictObject({
          until: z.number().gt(0).lt(1),
          size: whole.min(32).max(1024),
          labelSize: whole.min(16).max(1024).optional(),
        }),
      )
      .max(16)
      .default([])
      .describe(
        'Sizes before the one of train.size, such as [{until: 0.5, size: 128}]: small images first. Each lasts until that share of ' +
          'the steps, or of the time in a run by minutes; its labels have the size of the logits where none is given',
      ),
    batchSize: whole.min(1).max(1024).default(8).describe('Images that are computed at once'),
    accumulate: whole
      .min(1)
      .max(1024)
      .default(1)
      .describe('Batches whose gradients are added up before each update: a step sees batchSize × accumulate images'),
    epochs: positive.max(100000).default(30).describe('Length of the run, unless minutes are given'),
    minutes: positive.max(100000).optional().describe('Length of the run by the clock; replaces epochs'),
    lr: positive.max(10).default(2e-3).describe('Highest learning rate'),
    schedule: z
      .enum(['constant', 'cosine', 'polynomial'])
      .default('cosine')
      .describe('How the learning rate falls after the warm-up'),
    warmup: share.default(0.03).describe('Share of the run in which the rate climbs'),
    finalShare: share.default(0).describe('The rate at the end as a share of the highest'),
    clipNorm: z.number().min(0).default(1).describe('Longest gradient; 0 leaves gradients alone'),
    averageDecay: z
      .number()
      .min(0)
      .max(0.99999)
      .default(0.998)
      .describe('Moving average of the weights (EMA); 0 keeps none'),
    seed: whole
      .min(0)
      .max(2 ** 31)
      .default(0)
      .describe('Decides initial weights, order and augmentation'),
    checkpointMinutes: z
      .number()
      .min(0)
      .max(100000)
      .default(5)
      .describe(
        'Minutes between the checkpoints that a killed run goes on from, besides those of validations; 0 for none',
      ),
    optimizer,
  })
  .prefault({});

const validation = z
  .strictObject({
    every: positive.default(2).describe('Epochs between two validations'),
    limit: whole.min(1).optional().describe('Images to validate on during training; all where not given'),
    trainImages: whole
      .min(0)
      .max(10_000)
      .default(30)
      .describe(
        'Training images scored at each validation, without augmentation, to show overfitting; no more than validation images; 0 disables',
      ),
  })
  .prefault({});

const parameters = z
  .strictObject({
    limit: whole.min(1).optional().describe('A network with this many trainable parameters or more is refused'),
  })
  .prefault({});

const engine = z
  .strictObject({
    name: z
      .enum(['auto', 'native', 'onnx', 'reference'])
      .default('auto')
      .describe('What runs the network; auto is native where its add-on is built, else onnx'),
    device: z
      .enum(['cpu', 'webgpu', 'cuda', 'dml'])
      .default('cpu')
      .describe('Device of the onnx engine; `faceparse doctor` lists those there are'),
    threads: whole.min(1).max(256).optional().describe('Threads of the engine; the number of cores where not given'),
  })
  .prefault({});

/** The one schema of a training configuration: YAML files and dotted overrides both go through it. Unknown keys are errors. */
export const configSchema = configSchemaWith(lossGroup());

/** `configSchema` with the losses that have been registered since it was made. */
export function currentConfigSchema(): typeof configSchema {
  return configSchemaWith(lossGroup());
}

function configSchemaWith(loss: ReturnType<typeof lossGroup>) {
  return z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'letters, digits, dots, dashes, underscores; at most 100')
      .default('run')
      .describe('Name of the run; that of the file where not given'),
    model,
    data,
    loss,
    train,
    validation,
    parameters,
    engine,
  });
}

/** A configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;

/** Images that one step of the optimiser sees. */
export function imagesPerStep({ batchSize, accumulate }: Pick<Config['train'], 'batchSize' | 'accumulate'>): number {
  return batchSize * accumulate;
}
