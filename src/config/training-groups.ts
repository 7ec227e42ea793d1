import { z } from 'zod';
import { validationScores } from '../metrics/validation-scores.ts';
import { scheduleKinds } from '../optim/schedule.ts';

const whole = z.number().int();
const positive = z.number().positive();
const inside = z.number().gt(0).lt(1);

const watched = z.enum(validationScores);

export const schedule = z
  .enum(scheduleKinds)
  .default('cosine')
  .describe('Learning rate schedule after the warm-up; `train.scheduleOptions` has its settings');

export const optimizer = z
  .strictObject({
    kind: z
      .enum(['adamw', 'adam', 'sgd', 'muon'])
      .default('adamw')
      .describe(
        'Optimiser. AdamW and Adam use beta1, beta2 and epsilon; SGD uses momentum and nesterov. Muon updates convolution kernels with muonMomentum and everything else with AdamW',
      ),
    weightDecay: z
      .number()
      .min(0)
      .default(0.01)
      .describe(
        'Weight decay of convolution and matrix weights; biases and normalisation are excluded. Adam and SGD add it to the gradient (L2), AdamW and Muon subtract it from the weights',
      ),
    beta1: z
      .number()
      .min(0)
      .max(0.9999)
      .default(0.9)
      .describe('Decay rate of the mean of gradients (AdamW, Adam, Muon)'),
    beta2: z
      .number()
      .min(0)
      .max(0.99999)
      .default(0.999)
      .describe('Decay rate of the mean of squared gradients (AdamW, Adam, Muon)'),
    epsilon: positive.default(1e-8).describe('Added to the denominator (AdamW, Adam, Muon)'),
    momentum: z.number().min(0).max(0.9999).default(0.9).describe('Momentum (SGD)'),
    nesterov: z.boolean().default(false).describe('Use Nesterov momentum (SGD)'),
    muonMomentum: z.number().min(0).max(0.9999).default(0.95).describe('Momentum of convolution kernels (Muon)'),
  })
  .prefault({});

export const scheduleOptions = z
  .strictObject({
    power: positive.max(100).default(0.9).describe('Exponent of the decay (polynomial)'),
    milestones: z
      .array(inside)
      .min(1)
      .max(100)
      .default([0.5, 0.75])
      .describe(
        'Fractions of the run at which the learning rate is multiplied by factor, in increasing order, such as [0.5, 0.75] (step)',
      ),
    every: inside
      .optional()
      .describe('Fraction of the run between two such reductions; replaces milestones if it is set (step)'),
    factor: inside.default(0.1).describe('Factor of the learning rate at each reduction (step, plateau)'),
    peakAt: inside
      .default(0.3)
      .describe('Fraction of the run at which the learning rate reaches its peak; onecycle ignores warmup (onecycle)'),
    divFactor: z
      .number()
      .min(1)
      .max(1e9)
      .default(25)
      .describe('The initial learning rate is the peak divided by this (onecycle)'),
    finalDivFactor: z
      .number()
      .min(1)
      .max(1e9)
      .default(1e4)
      .describe('The final learning rate is the initial one divided by this; onecycle ignores finalShare (onecycle)'),
    firstCycle: z
      .number()
      .min(0.001)
      .max(1)
      .default(0.25)
      .describe('Length of the first cycle as a fraction of the run after the warm-up (cosine-restarts)'),
    cycleFactor: z
      .number()
      .min(1)
      .max(100)
      .default(1)
      .describe('Length of each cycle relative to the one before it (cosine-restarts)'),
    watch: watched
      .default('valF')
      .describe('Validation score that has to improve, by its name in metrics.csv (plateau)'),
    patience: whole
      .min(0)
      .max(10_000)
      .default(3)
      .describe('Validations without improvement that do not reduce the learning rate; the next one does (plateau)'),
    threshold: z
      .number()
      .min(0)
      .lt(1)
      .default(1e-4)
      .describe('Smallest improvement that counts, as a fraction of the best score so far (plateau)'),
    cooldown: whole
      .min(0)
      .max(10_000)
      .default(0)
      .describe('Validations after a reduction that do not count towards the next one (plateau)'),
  })
  .superRefine(({ milestones }, context) => {
    const index = milestones.findIndex((milestone, i) => i > 0 && milestone <= (milestones[i - 1] ?? 0));
    if (index < 0) return;
    const message = `entry ${index + 1} is ${milestones[index]}, but must be above ${milestones[index - 1]}, the entry before it`;
    context.addIssue({ code: 'custom', path: ['milestones'], message });
  })
  .describe('Settings of the learning rate schedules. The name in brackets is the schedule that uses a setting.')
  .prefault({});

export const earlyStopping = z
  .strictObject({
    patience: whole
      .min(1)
      .max(10_000)
      .optional()
      .describe('Ends the run after this many validations in a row without improvement; default: no early stopping'),
    watch: watched.default('valF').describe('Validation score that has to improve, by its name in metrics.csv'),
    minDelta: z.number().min(0).max(1000).default(0).describe('Only a greater change of the score is an improvement'),
  })
  .describe('Ends a run when a validation score stops improving. The best weights are kept.')
  .prefault({});

export const freeze = z
  .strictObject({
    encoder: z
      .boolean()
      .default(false)
      .describe('Keep the parameters of the encoder at their initial values; requires a network with an encoder'),
    batchNorm: z
      .enum(['none', 'encoder', 'all'])
      .default('none')
      .describe(
        'Batch normalisation layers that normalise with their running statistics and are not changed by training: none, those of the encoder, or all',
      ),
  })
  .describe('Parts of the network that training leaves as they are, usually with `train.init`.')
  .prefault({});

export const encoderLrFactor = positive
  .max(100)
  .default(1)
  .describe(
    "Learning rate of the encoder as a fraction of the others' learning rate; requires a network with an encoder",
  );
