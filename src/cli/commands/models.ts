import type { Command } from 'commander';
import type { Graph } from '../../graph/graph.ts';
import type { ModelSettings } from '../../models/settings.ts';
import { formatCount } from '../../text/counts.ts';
import { type JsonOption, jsonHelp, printJson, printText, wholeNumber } from '../command.ts';
import { formatPairs, formatTable } from '../format.ts';
import type { Layer } from '../layer-table.ts';

interface ModelsOptions extends JsonOption {
  classes: number;
  size?: number;
  encoder?: string;
  depth?: number;
  outputStride?: number;
}

/** Sides of the images for which the list gives the cost. */
const listedSizes = [256, 512];

/** Side of the image for the layers of one network. */
const layersSize = 256;

type BuildNetwork = (name: string, settings: ModelSettings, size: number) => Graph;

async function networkBuilder(classes: number): Promise<BuildNetwork> {
  const [{ createModel }, { inferenceGraph }] = await Promise.all([
    import('../../models/registry.ts'),
    import('../../models/model.ts'),
  ]);
  return (name, settings, size) =>
    inferenceGraph(createModel(name, { ...settings, classes }), { batch: 1, height: size, width: size });
}

async function listAll({ classes, size, encoder, ...options }: ModelsOptions): Promise<void> {
  const [{ getArchitecture, listModels }, { listNetworks }, cost, build] = await Promise.all([
    import('../../models/registry.ts'),
    import('../../models/list-networks.ts'),
    import('../../graph/cost.ts'),
    networkBuilder(classes),
  ]);
  const sizes = size === undefined ? listedSizes : [size];
  const models = listNetworks(encoder).map(({ name, ...settings }) => {
    const graphs = sizes.map((side) => build(name, settings, side));
    const gigaMultiplyAccumulates = graphs.map(cost.gigaMultiplyAccumulates);
    const [graph] = graphs;
    return { name, ...settings, parameters: graph ? cost.countParameters(graph) : 0, gigaMultiplyAccumulates };
  });
  const architectures = listModels()
    .filter((name) => models.some((model) => model.name === name))
    .map((name) => ({ name, summary: getArchitecture(name).summary }));
  if (options.json) return printJson({ classes, sizes, architectures, models });
  const right = 'right' as const;
  const table = formatTable(
    [
      { title: 'model' },
      { title: 'encoder' },
      { title: 'parameters', align: right },
      ...sizes.map((side) => ({ title: `GMAC ${side}²`, align: right })),
    ],
    models.map((model) => [
      model.name,
      'encoder' in model ? String(model.encoder) : '',
      formatCount(model.parameters),
      ...model.gigaMultiplyAccumulates.map((value) => value.toFixed(2)),
    ]),
  );
  printText(formatPairs(architectures.map(({ name, summary }) => [name, summary])));
  printText(`\n${table}\n\n${classes} classes, one image. GMAC: 10⁹ multiply-accumulates`);
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
  const [{ listLayers }, { createModel, getArchitecture }, { countParameters, gigaMultiplyAccumulates }, build] =
    await Promise.all([
      import('../layer-table.ts'),
      import('../../models/registry.ts'),
      import('../../graph/cost.ts'),
      networkBuilder(classes),
    ]);
  const given = {
    ...(encoder !== undefined && { encoder }),
    ...(depth !== undefined && { depth }),
    ...(outputStride !== undefined && { outputStride }),
  };
  const { settings, title } = createModel(name, { ...given, classes });
  const graph = build(name, settings, size);
  const layers = listLayers(graph);
  const cost = { parameters: countParameters(graph), gigaMultiplyAccumulates: gigaMultiplyAccumulates(graph) };
  const { summary } = getArchitecture(name);
  if (options.json) return printJson({ name, settings, summary, classes, size, ...cost, layers });
  const right = 'right' as const;
  const table = formatTable(
    [
      { title: 'layer' },
      { title: 'type' },
      { title: 'output' },
      { title: 'parameters', align: right },
      { title: 'MMAC', align: right },
    ],
    layers.map(layerRow),
    ['total', '', '', formatCount(cost.parameters), (cost.gigaMultiplyAccumulates * 1e3).toFixed(2)],
  );
  const [output] = [...graph.outputs.values()];
  printText(`${title}: ${summary}`);
  printText(`input 3×${size}×${size}, output ${output.shape.slice(1).join('×')} (${classes} classes)\n\n${table}`);
  const giga = cost.gigaMultiplyAccumulates.toFixed(2);
  printText(
    `\n${formatCount(cost.parameters)} trainable parameters, ${giga} GMAC (10⁹ multiply-accumulates) per image`,
  );
}

/** `faceparse models [NAME]` */
export function registerModels(program: Command): void {
  program
    .command('models')
    .description('list the networks, or the layers of one, with parameters and multiply-accumulates')
    .argument('[name]', 'list the layers of this network')
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
