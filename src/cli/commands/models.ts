import type { Command } from 'commander';
import type { ArchitectureFacts } from '../../models/describe-architecture.ts';
import { formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type JsonOption, jsonHelp, printJson, printText, wholeNumber } from '../command.ts';
import { formatPairs, formatTable, wrapWords } from '../format.ts';
import type { Layer } from '../layer-table.ts';

interface ModelsOptions extends JsonOption {
  classes: number;
  size?: number;
  encoder?: string;
  depth?: number;
  outputStride?: number;
}

/** Sides of the images for which the list gives the cost. */
const listedSizes = [256, 512] as const;

/** Side of the image for the layers of one network. */
const layersSize = 256;

/** Longest line of text in characters. */
const lineWidth = 100;

const right = 'right' as const;

/** Names with texts that are broken where they would be too long. */
function formatTexts(pairs: readonly (readonly [string, string])[]): string {
  const width = lineWidth - Math.max(...pairs.map(([name]) => name.length)) - 2;
  return formatPairs(pairs.map(([name, text]) => [name, wrapWords(text, width)]));
}

function formatArchitectures(
  architectures: readonly ArchitectureFacts[],
  describeDefaults: (rules: ArchitectureFacts['settings']) => string,
): string {
  return formatTable(
    [
      { title: 'architecture' },
      { title: 'sides', align: right },
      { title: 'logits', align: right },
      { title: 'auxiliary', align: right },
      { title: 'settings' },
    ],
    architectures.map(({ name, multiple, logitsStride, auxiliaryHeads, settings }) => [
      name,
      `${multiple}`,
      `${logitsStride}`,
      auxiliaryHeads === 0 ? '' : `${auxiliaryHeads}`,
      describeDefaults(settings),
    ]),
  );
}

async function listAll({ classes, size, encoder, ...options }: ModelsOptions): Promise<void> {
  refuseSettings(options);
  const [{ createModel, listModels }, { listNetworks }, { describeArchitecture }, facts] = await Promise.all([
    import('../../models/registry.ts'),
    import('../../models/list-networks.ts'),
    import('../../models/describe-architecture.ts'),
    import('../network-facts.ts'),
  ]);
  const sizes = size === undefined ? listedSizes : ([size] as const);
  const models = listNetworks(encoder).map(({ name, ...settings }) => ({
    name,
    ...settings,
    ...facts.measureNetwork(createModel(name, { ...settings, classes }), sizes),
  }));
  const architectures = listModels()
    .filter((name) => models.some((model) => model.name === name))
    .map(describeArchitecture);
  const { challengeLimit } = facts;
  if (options.json) {
    return printJson({ classes, sizes, challengeLimit, architectures, encoders: facts.encoderFacts(), models });
  }
  const table = formatTable(
    [
      { title: 'model' },
      { title: 'encoder' },
      { title: 'parameters', align: right },
      ...sizes.map((side) => ({ title: `GMAC ${side}²`, align: right })),
      { title: 'challenge' },
    ],
    models.map((model) => [
      model.name,
      'encoder' in model ? String(model.encoder) : '',
      formatCount(model.parameters),
      ...model.gigaMultiplyAccumulates.map((value) => value.toFixed(2)),
      model.underChallengeLimit ? 'yes' : '',
    ]),
  );
  const notes: [string, string][] = [
    ['sides', 'height and width of an image must be multiples of this'],
    ['logits', 'stride of the logits'],
    ['auxiliary', 'number of auxiliary heads; loss.auxiliary is the weight of their losses in training'],
    ['settings', 'model.depth, model.outputStride and model.dropout, with their defaults'],
    ['encoder', 'model.encoder; networks with an encoder also have model.stochasticDepth'],
    ['GMAC', `10⁹ multiply-accumulates for one image and ${classes} classes`],
    ['challenge', `fewer than ${formatCount(challengeLimit)} parameters, auxiliary heads included`],
  ];
  printText(formatTexts(architectures.map(({ name, summary }) => [name, summary])));
  printText(`\n${formatArchitectures(architectures, facts.describeDefaults)}`);
  printText(`\n${table}\n\n${formatTexts(notes)}`);
  printText('\n`faceparse models NAME` shows one network: its settings, encoders and layers');
}

function refuseSettings({ depth, outputStride }: Pick<ModelsOptions, 'depth' | 'outputStride'>): void {
  const option = depth !== undefined ? '--depth' : outputStride !== undefined ? '--output-stride' : undefined;
  if (option === undefined) return;
  throw new FaceparseError(`${option} is for one network; add its name: faceparse models NAME ${option} …`, {
    exitCode: 2,
  });
}

function layerRow(layer: Layer): string[] {
  const macs = layer.multiplyAccumulates / 1e6;
  return [
    layer.path,
    layer.type,
    layer.output.join('×'),
    layer.parameters === 0 ? '' : formatCount(layer.parameters),
    macs === 0 ? '' : macs.toFixed(2),
  ];
}

async function showOne(name: string, options: ModelsOptions): Promise<void> {
  const { classes, size = layersSize, encoder, depth, outputStride } = options;
  const [{ listLayers }, { createModel, getArchitecture }, { inferenceGraph }, { describeModel }, facts] =
    await Promise.all([
      import('../layer-table.ts'),
      import('../../models/registry.ts'),
      import('../../models/model.ts'),
      import('../../models/describe-architecture.ts'),
      import('../network-facts.ts'),
    ]);
  const given = {
    ...(encoder !== undefined && { encoder }),
    ...(depth !== undefined && { depth }),
    ...(outputStride !== undefined && { outputStride }),
  };
  const model = createModel(name, { ...given, classes });
  const { settings } = model;
  const { summary, settings: rules = {} } = getArchitecture(name);
  const { multiple, logitsStride, auxiliaryHeads } = describeModel(model);
  const layers = listLayers(inferenceGraph(model, { batch: 1, height: size, width: size }));
  const cost = facts.measureNetwork(model, [size]);
  const { parameters, trainingParameters } = cost;
  const gigaMultiplyAccumulates = cost.gigaMultiplyAccumulates[0] ?? 0;
  const encoders = rules.encoder ? facts.encoderFacts() : [];
  if (options.json) {
    const { challengeLimit } = facts;
    const shape = { multiple, logitsStride, auxiliaryHeads };
    const totals = { ...cost, gigaMultiplyAccumulates, challengeLimit };
    return printJson({ name, settings, rules, summary, classes, size, ...shape, ...totals, encoders, layers });
  }
  const table = formatTable(
    [
      { title: 'layer' },
      { title: 'type' },
      { title: 'output' },
      { title: 'parameters', align: right },
      { title: 'MMAC', align: right },
    ],
    layers.map(layerRow),
    ['total', '', '', formatCount(parameters), (gigaMultiplyAccumulates * 1e3).toFixed(2)],
  );
  const side = size / logitsStride;
  const heads = `${auxiliaryHeads}, with ${formatCount(trainingParameters - parameters)} more parameters in training (loss.auxiliary)`;
  const about: [string, string][] = [
    ['parameters', formatCount(parameters)],
    ['GMAC', `${gigaMultiplyAccumulates.toFixed(2)} (10⁹ multiply-accumulates for one image of ${size}²)`],
    ['challenge', facts.describeLimit(cost)],
    ['image', `3×${size}×${size}; sides must be multiples of ${multiple}`],
    ['logits', `${classes}×${side}×${side}: ${classes} classes at stride ${logitsStride}`],
    ['auxiliary heads', auxiliaryHeads === 0 ? 'none' : heads],
    ['settings', facts.describeSettings(rules, settings).join('\n') || 'none'],
  ];
  printText(wrapWords(`${model.title}: ${summary}`, lineWidth));
  printText(`\n${formatPairs(about)}`);
  if (encoders.length > 0) {
    printText(`\nEncoders (model.encoder):\n${formatTexts(encoders.map((entry) => [entry.name, entry.summary]))}`);
  }
  printText(`\n${table}`);
}

/** `faceparse models [NAME]` */
export function registerModels(program: Command): void {
  program
    .command('models')
    .description('list the networks, or the settings and layers of one, with parameters and multiply-accumulates')
    .argument('[name]', 'show this network: settings, encoders, layers')
    .option('--encoder <name>', 'encoder of the network; without NAME, list only the networks on it')
    .option('--depth <n>', 'number of strides of the encoder that are used', wholeNumber(1, 5))
    .option('--output-stride <n>', 'stride of the deepest features', wholeNumber(4, 32))
    .option('--classes <n>', 'number of classes', wholeNumber(2, 255), 19)
    .option('--size <pixels>', 'side of the image in pixels (default: 256, and 512 in the list)', wholeNumber(32, 4096))
    .option('--json', jsonHelp)
    .action((name: string | undefined, options: ModelsOptions) =>
      name === undefined ? listAll(options) : showOne(name, options),
    );
}
