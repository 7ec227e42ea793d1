import type { Command } from 'commander';
import { type JsonOption, jsonHelp, printJson, printText, runTask } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatScores } from '../score-table.ts';

interface EvaluateOptions extends JsonOption, EngineOptions {
  data: string;
}

async function evaluate(run: string, options: EvaluateOptions): Promise<void> {
  const [{ FaceParser }, { openDataset }, { evaluateParser }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../data/dataset.ts'),
    import('../../training/evaluation.ts'),
  ]);
  const dataset = await openDataset(options.data, { requireMasks: true });
  const parser = await FaceParser.load(run, engineChoice(options));
  let network = 0;
  try {
    const summary = await runTask('scoring', options, ({ signal, onProgress }) =>
      evaluateParser(parser.core, dataset, {
        signal,
        onPicture: ({ prediction }, done, total) => {
          network += prediction.timing.network;
          onProgress(done, total);
        },
      }),
    );
    const milliseconds = network / summary.images;
    if (options.json) {
      return printJson({
        weights: parser.file,
        data: options.data,
        ...summary,
        confusion: [...summary.confusion],
        networkMilliseconds: milliseconds,
      });
    }
    const { model, size } = parser.core.weights;
    printText(`${parser.file}: ${model} at ${size}×${size}, ${milliseconds.toFixed(0)} ms a picture in the network\n`);
    printText(formatScores(summary, parser.labelSet));
  } finally {
    await parser.dispose();
  }
}

/** `faceparse evaluate RUN --data FOLDER` */
export function registerEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('score a trained network on pairs')
    .argument('<run>', 'folder of a run, or a weights file')
    .requiredOption('--data <folder>', 'holds images/ and masks/')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(evaluate);
}
