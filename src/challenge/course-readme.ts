import { getArchitecture } from '../models/registry.ts';
import { modelTitle } from '../models/settings.ts';
import { installedPackage } from '../packages/installed-package.ts';
import { packageRanges, readOwnPackage } from '../packages/own-package.ts';
import { packagePurposes } from '../packages/package-purposes.ts';
import { networkSides } from '../parser/grid/averaging.ts';
import { formatCount } from '../text/counts.ts';
import { describeChange } from '../training/earlier-run/setting-changes.ts';
import type { Entry } from './entry.ts';
import { describeStart, usesChallengePairs } from './provenance.ts';

/** The libraries of faceparse, one per line: name, version, licence, purpose. */
function libraries(): string[] {
  const { peerDependencies } = readOwnPackage();
  return Object.entries(packageRanges()).flatMap(([name, range]) => {
    const installed = installedPackage(name);
    if (!installed && Object.hasOwn(peerDependencies, name)) return [];
    const { version = range, license } = installed ?? { name };
    const purpose = packagePurposes[name];
    return [`  ${name} ${version}${license ? ` (${license})` : ''}${purpose ? `: ${purpose}` : ''}`];
  });
}

/** The views of a photo that a prediction averages, and the matching options of `faceparse predict`. */
function describeViews({ weights, averaging }: Entry): { views: string; options: string } {
  if (!averaging) return { views: 'one pass over the photo', options: '' };
  const { size } = weights.preprocessing;
  const sides = networkSides(size, getArchitecture(weights.model).multiple, averaging.scales);
  const squares = `squares of ${sides.join(', ')} pixels`;
  // Four digits are enough to round to the same sides.
  const scales = sides.map((side) => Number((side / size).toFixed(4))).join(',');
  const mirrored = averaging.flip ? ', each with its mirror image' : '';
  return {
    views: `the mean of the class probabilities for the photo resized to ${squares}${mirrored}`,
    // No options exist for several sizes without mirror images.
    options: averaging.flip ? ` --tta --scales ${scales}` : '',
  };
}

/** Describes only what the run records. */
function describeTraining({ environment }: Entry): string[] {
  const { trainingData, initialRun } = environment;
  const { heldOut } = trainingData;
  const used = heldOut
    ? `${trainingData.pairs} of the ${trainingData.pairs + heldOut.pairs} pairs`
    : `the ${trainingData.pairs} pairs`;
  const left = heldOut ? ` (fold ${heldOut.fold} of ${heldOut.folds} was held out)` : '';
  const pairs = usesChallengePairs(environment)
    ? `${used} of the challenge, no other data${left}`
    : `${trainingData.pairs} pairs${left}`;
  const start = describeStart(environment);
  const origin = initialRun ? 'trained from scratch, in several runs' : 'trained from scratch';
  return [`${origin} (${start}) on ${pairs}; no pretrained weights, one network`, ...resumedParts(environment)];
}

/** A line for each resume that changed settings or data. */
function resumedParts({ resumes = [] }: Entry['environment']): string[] {
  return resumes.flatMap(({ step, changes = [], trainingData, validationData }) => {
    const what = [
      ...changes.map(describeChange),
      ...(trainingData ? [`training pairs: ${formatCount(trainingData.pairs)} of another folder`] : []),
      ...(validationData ? [`validation pairs: ${formatCount(validationData.pairs)} of another folder`] : []),
    ];
    return what.length > 0 ? [`changed at step ${formatCount(step)}: ${what.join(', ')}`] : [];
  });
}

/** Whether the configuration alone says how the run was trained. */
function isRepeatable({ environment }: Entry): boolean {
  return environment.initialRun === undefined && resumedParts(environment).length === 0;
}

/** `Readme.txt` of the course zip: files, third-party libraries, and which script to run. */
export function courseReadme(
  entry: Entry,
  { id, masks, hasSources }: { readonly id: string; readonly masks: number; readonly hasSources: boolean },
): string {
  const build = hasSources ? ['  node scripts/setup.mjs'] : [];
  const { weights, environment, parameters } = entry;
  const { size } = weights.preprocessing;
  const { views, options } = describeViews(entry);
  const heads =
    environment.parameters > parameters
      ? ` (${formatCount(environment.parameters)} in training, with auxiliary heads)`
      : '';
  return `${[
    `Face parsing: ${id}`,
    '',
    'FILES',
    '  report.pdf              the report',
    `  results/                the masks of the ${masks} test images: palette PNG, class ids 0 to 18, with the names of the images`,
    '  weights/ckpt.pth        the trained weights for PyTorch: torch.load(...)["state_dict"]',
    '  weights/best.safetensors  the same weights for faceparse',
    '  run/config.yaml         every setting of the training',
    '  run/metrics.csv         recorded during training: loss, learning rate, validation loss and scores, F on training images',
    '  code/solution/          run.py (network and prediction in PyTorch, a single file) and requirements.txt',
    `  code/faceparse/         faceparse, the program that trained the network: ${hasSources ? 'TypeScript and C++ sources' : 'JavaScript and C++'}`,
    '',
    'WHICH SCRIPT TO RUN',
    'To predict, with Python:',
    '  pip install -r code/solution/requirements.txt',
    '  python code/solution/run.py --input PHOTO.jpg --output MASK.png --weights weights/ckpt.pth',
    '--input and --output may also be folders.',
    '',
    'To predict or to train again, with Node 20.19 or newer:',
    '  cd code/faceparse',
    ...(hasSources ? ['  npm ci'] : ['  npm install']),
    ...build,
    `  node dist/cli/main.js predict ../../weights/best.safetensors PHOTO.jpg${options}`,
    '  node dist/cli/main.js train ../../run/config.yaml --data DATA     (DATA contains train/ and val/)',
    ...(isRepeatable(entry)
      ? []
      : ['  (config.yaml contains the last settings; THE NETWORK says what was different before)']),
    '',
    'THE NETWORK',
    `  ${modelTitle(weights.model, weights.settings)}, ${formatCount(parameters)} trainable parameters${heads}, images of ${size} x ${size}`,
    ...describeTraining(entry).map((line) => `  ${line}`),
    `  prediction: ${views}`,
    '',
    'THIRD-PARTY LIBRARIES',
    'run.py:',
    '  torch (BSD-3-Clause), numpy (BSD-3-Clause), Pillow (MIT-CMU)',
    'faceparse (graph, automatic differentiation, models, losses, metrics, training and export are its own code):',
    ...libraries(),
    '  oneDNN (Apache-2.0), optional: kernels of the native engine',
  ].join('\n')}\n`;
}
