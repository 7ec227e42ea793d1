import { type Command, InvalidArgumentError, Option } from 'commander';
import { exists } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';
import { formatBytes } from '../../text/format-bytes.ts';
import { type JsonOption, jsonHelp, printJson, printNotices, printText, wholeNumber } from '../command.ts';

interface ImportOptions extends JsonOption {
  model?: string;
  encoder?: string;
  labels?: string;
  size?: number;
  depth?: number;
  outputStride?: number;
  resize?: 'stretch' | 'letterbox';
  classOrder?: string;
  mean?: [number, number, number];
  std?: [number, number, number];
  out?: string;
  force?: boolean;
}

/** Three numbers with commas between them, one for each colour. */
function threeNumbers(text: string): [number, number, number] {
  const [red, green, blue, ...more] = text.split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  if (![red, green, blue].every(Number.isFinite) || more.length > 0) {
    throw new InvalidArgumentError('It must be three numbers for red, green and blue, such as 0.485,0.456,0.406.');
  }
  return [red, green, blue];
}

async function runImport(file: string, options: ImportOptions): Promise<void> {
  const { out, force = false, json, labels, ...given } = options;
  const [{ importWeightsFile }, { encodeWeights }, { weightsGraph }, { writeFileAtomic }, { isFolder }, labelSets] =
    await Promise.all([
      import('../../node/import-weights-file.ts'),
      import('../../models/weights-file.ts'),
      import('../../models/weights-graph.ts'),
      import('../../files/atomic-write.ts'),
      import('../../files/path-kind.ts'),
      import('../label-set-option.ts'),
    ]);
  if (!(await exists(file))) throw refused(`${file} not found; pass a .pth or .safetensors file`);
  if (await isFolder(file)) throw refused(`${file} is a folder; pass a .pth or .safetensors file`);
  const network = { ...given, ...(labels !== undefined && { labels: await labelSets.labelChoiceOfOption(labels) }) };
  const { weights, notices } = await importWeightsFile(file, network, 'command');
  if (out === undefined) throw refused('no output given; pass --out NEW.safetensors');
  if ((await exists(out)) && !force) {
    throw refused(`${out} already exists; choose another --out, or use --force to replace it`);
  }
  const bytes = encodeWeights(weights, weightsGraph(weights, file));
  await writeFileAtomic(out, bytes);
  if (json)
    return printJson({
      weights: out,
      bytes: bytes.length,
      model: weights.model,
      settings: weights.settings,
      labels: weights.labels,
      preprocessing: weights.preprocessing,
      origin: weights.origin,
      notices,
    });
  printNotices(notices);
  printText(`wrote ${out} (${formatBytes(bytes.length)}) from ${file}`);
}

function refused(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}

/** `faceparse import FILE --model NAME --labels NAME --size N --out FILE` */
export function registerImport(program: Command): void {
  program
    .command('import')
    .description('convert weights of PyTorch (.pth or .safetensors) to a faceparse weights file')
    .argument(
      '<file>',
      'state_dict of a network, such as one of segmentation_models.pytorch; a ckpt.pth of `faceparse export` needs no options',
    )
    .option('--model <name>', 'the architecture; without it, an error says which one fits (`faceparse models`)')
    .option('--encoder <name>', "the encoder (default: the architecture's)")
    .option(
      '--labels <name>',
      'label set with the classes of the network: a name, or a configuration or run folder whose label set to use',
    )
    .option('--size <n>', 'side in pixels of the square input, as in training', wholeNumber(1, 4096))
    .option('--depth <n>', 'number of levels of the encoder, if not the default', wholeNumber(1, 5))
    .option('--output-stride <n>', 'stride of the deepest features, if not the default', wholeNumber(1, 32))
    .addOption(
      new Option('--resize <rule>', 'how photos become square, as in training (default: stretch)').choices([
        'stretch',
        'letterbox',
      ]),
    )
    .option('--class-order <name>', 'order of the classes, such as face-parsing.pytorch, if it is not that of --labels')
    .option('--mean <r,g,b>', "mean of the input, for pixels from 0 to 1 (default: the encoder's)", threeNumbers)
    .option('--std <r,g,b>', "standard deviation of the input (default: the encoder's)", threeNumbers)
    .option('--out <file>', 'weights file to write (.safetensors)')
    .option('--force', 'replace an existing file')
    .option('--json', jsonHelp)
    .action(runImport);
}
