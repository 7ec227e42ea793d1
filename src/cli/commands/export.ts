import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type OnnxExportOptions, onnxInputTypes, onnxOutputs } from '../../export/onnx/onnx-options.ts';
import { exists } from '../../files/path-kind.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Weights } from '../../models/weights-file.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type JsonOption, jsonHelp, printJson, printText } from '../command.ts';
import { formatBytes } from '../format.ts';

interface ExportOptions extends JsonOption, FormatOptions {
  format: string;
  out: string;
  force?: boolean;
}

/** Options that only some formats have. */
interface FormatOptions {
  half?: boolean;
  input?: OnnxExportOptions['input'];
  output?: OnnxExportOptions['output'];
}

/** What is exported. */
interface ExportSource {
  /** The weights file, for errors. */
  readonly file: string;
  readonly weights: Weights;
  /** Inference graph for one image of the size that the network was trained on. */
  readonly graph: Graph;
}

interface ExportFormat {
  /** A few words for the help. */
  readonly summary: string;
  /** Which of the options it has. */
  readonly options: readonly (keyof FormatOptions)[];
  /** The files that it writes, given `--out`. */
  readonly targets: (out: string) => string[];
  /** Writes the targets, which may be there already. */
  readonly write: (source: ExportSource, out: string, options: FormatOptions) => Promise<unknown>;
}

const formatOptions = ['half', 'input', 'output'] as const satisfies readonly (keyof FormatOptions)[];

/** The formats by name; a new one needs an entry here and nothing else. */
const formats: Readonly<Record<string, ExportFormat>> = {
  safetensors: {
    summary: 'the weights with what faceparse needs to use them, without the rest of the run; --out is a file',
    options: ['half'],
    targets: (out) => [out],
    write: async ({ weights, graph }, out, { half }) => {
      const [{ encodeWeights }, { writeFileAtomic }] = await Promise.all([
        import('../../models/weights-file.ts'),
        import('../../files/atomic-write.ts'),
      ]);
      await writeFileAtomic(out, encodeWeights(weights, graph, { half: half ?? false }));
    },
  },
  onnx: {
    summary: 'photo in, labels or logits out, with all that stands between, for any ONNX runtime; --out is a file',
    options: ['input', 'output'],
    targets: (out) => [out],
    write: async ({ weights, file }, out, { input, output }) => {
      const [{ onnxModel }, { writeFileAtomic }] = await Promise.all([
        import('../../export/onnx/onnx.ts'),
        import('../../files/atomic-write.ts'),
      ]);
      await writeFileAtomic(out, onnxModel(weights, { ...(input && { input }), ...(output && { output }) }, file));
    },
  },
  pytorch: {
    summary: 'model.py, which needs nothing but PyTorch, and ckpt.pth with its state_dict; --out is a folder',
    options: [],
    targets: (out) => [join(out, 'model.py'), join(out, 'ckpt.pth')],
    write: async ({ weights, file }, out) =>
      (await import('../../export/pytorch/pytorch.ts')).exportPyTorch(weights, out, file),
  },
};

/** An export must not replace a file silently, nor ever the weights that it is made from. */
async function requireFree(target: string, source: string, force: boolean): Promise<void> {
  if (!(await exists(target))) return;
  if ((await realpath(target)) === (await realpath(source))) {
    throw new FaceparseError(`${target} is the file that is exported; choose another --out`, { exitCode: 2 });
  }
  if (!force) {
    throw new FaceparseError(`${target} exists already; choose another --out (use --force to replace it)`, {
      exitCode: 2,
    });
  }
}

async function runExport(run: string | undefined, options: ExportOptions): Promise<void> {
  const { out, force = false } = options;
  const format = formats[options.format];
  for (const option of formatOptions) {
    if (options[option] === undefined || format.options.includes(option)) continue;
    const those = Object.keys(formats).filter((name) => formats[name].options.includes(option));
    throw new FaceparseError(`--${option} is for --format ${those.join(' and ')}; leave it out`, { exitCode: 2 });
  }
  const [{ loadWeights }, { weightsGraph }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../models/weights-graph.ts'),
  ]);
  const { file, weights } = await loadWeights(run);
  const graph = weightsGraph(weights, file);
  const paths = format.targets(out);
  for (const path of paths) await requireFree(path, file, force);
  await format.write({ file, weights, graph }, out, options);
  const written = await Promise.all(paths.map(async (path) => ({ path, bytes: (await stat(path)).size })));
  if (options.json) return printJson({ weights: file, format: options.format, written });
  for (const { path, bytes } of written) printText(`wrote ${path} (${formatBytes(bytes)}) from ${file}`);
}

/** `faceparse export [RUN] --format NAME --out PATH` */
export function registerExport(program: Command): void {
  const list = Object.entries(formats).map(([name, { summary }]) => `${name}: ${summary}`);
  program
    .command('export')
    .description('write a trained network in another form')
    .argument('[run]', 'folder of a run, or a weights file (default: the weights that come with faceparse)')
    .addOption(new Option('--format <name>', list.join('; ')).choices(Object.keys(formats)).makeOptionMandatory())
    .requiredOption('--out <path>', 'where to write; see --format')
    .option('--half', 'safetensors: kernels in half precision: half the size; biases and normalisation stay whole')
    .addOption(new Option('--input <type>', 'onnx: what the photo is made of (default: uint8)').choices(onnxInputTypes))
    .addOption(new Option('--output <name>', 'onnx: what the model gives (default: labels)').choices(onnxOutputs))
    .option('--force', 'replace a file that is there already')
    .option('--json', jsonHelp)
    .action(runExport);
}
