import type { Command } from 'commander';
import type { Graph } from '../../graph/graph.ts';
import { formatCount } from '../../text/counts.ts';
import { type JsonOption, jsonHelp, printJson, printText, wholeNumber } from '../command.ts';
import { formatTable } from '../format.ts';
import type { Layer } from '../layer-table.ts';

interface ModelsOptions extends JsonOption {
  classes: number;
  size: number;
}

async function buildGraph(name: string, { classes, size }: ModelsOptions): Promise<Graph> {
  const [{ createModel }, { inferenceGraph }] = await Promise.all([
    import('../../models/registry.ts'),
    import('../../models/model.ts'),
  ]);
  return inferenceGraph(createModel(name, { classes }), { batch: 1, height: size, width: size });
}

async function costOf(graph: Graph): Promise<{ parameters: number; gigaMultiplyAccumulates: number }> {
  const { countParameters, gigaMultiplyAccumulates } = await import('../../graph/cost.ts');
  return { parameters: countParameters(graph), gigaMultiplyAccumulates: gigaMultiplyAccumulates(graph) };
}

async function listAll(options: ModelsOptions): Promise<void> {
  const { getArchitecture, listModels } = await import('../../models/registry.ts');
  const models = [];
  for (const name of listModels()) {
    const { summary } = getArchitecture(name);
    models.push({ name, summary, ...(await costOf(await buildGraph(name, options))) });
  }
  const { classes, size } = options;
  if (options.json) return printJson({ classes, size, models });
  const table = formatTable(
    [{ title: 'model' }, { title: 'parameters', align: 'right' }, { title: 'GMAC', align: 'right' }, { title: '' }],
    models.map((model) => [
      model.name,
      formatCount(model.parameters),
      model.gigaMultiplyAccumulates.toFixed(2),
      model.summary,
    ]),
  );
  printText(`${table}\n\n${classes} classes, one image of ${size}×${size}. GMAC: 10⁹ multiply-accumulates`);
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
  const graph = await buildGraph(name, options);
  const [{ listLayers }, { getArchitecture }] = await Promise.all([
    import('../layer-table.ts'),
    import('../../models/registry.ts'),
  ]);
  const layers = listLayers(graph);
  const cost = await costOf(graph);
  const { classes, size } = options;
  const { summary } = getArchitecture(name);
  if (options.json) return printJson({ name, summary, classes, size, ...cost, layers });
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
  printText(`${name}: ${summary}`);
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
    .option('--classes <n>', 'number of classes', wholeNumber(2, 255), 19)
    .option('--size <pixels>', 'side of the image in pixels', wholeNumber(32, 4096), 256)
    .option('--json', jsonHelp)
    .action((name: string | undefined, options: ModelsOptions) =>
      name === undefined ? listAll(options) : showOne(name, options),
    );
}
