import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type OnnxExportOptions, onnxInputTypes, onnxOutputs } from '../../export/onnx/onnx-options.ts';
import { exists } from '../../files/path-kind.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Weights } from '../../models/weights-file.ts';
import { FaceparseError } from '../../text/errors.ts';
import { formatBytes } from '../../text/format-bytes.ts';
import { type JsonOption, jsonHelp, printJson, printText } from '../command.ts';

interface ExportOptions extends JsonOption, FormatOptions {
  format: string;
  out: string;
  force?: boolean;
}

/** Options that apply to some formats only. */
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
  /** Inference graph for one image of the training size. */
  readonly graph: Graph;
}

interface ExportFormat {
  /** A short description for the help. */
  readonly summary: string;
  /** The options that it supports. */
  readonly options: readonly (keyof FormatOptions)[];
  /** The files that it writes for a given `--out`. */
  readonly targets: (out: string) => string[];
  /** Writes the targets, replacing existing files. */
  readonly write: (source: ExportSource, out: string, options: FormatOptions) => Promise<unknown>;
}

const formatOptions = ['half', 'input', 'output'] as const satisfies readonly (keyof FormatOptions)[];

/** The formats by name. A new format needs only an entry here. */
const formats: Readonly<Record<string, ExportFormat>> = {
  safetensors: {
    summary: 'weights for faceparse (one file)',
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
    summary: 'photo to labels or logits, including preprocessing, for any ONNX runtime (one file)',
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
    summary: 'model.py, which needs only PyTorch, and ckpt.pth with its state_dict (a folder)',
    options: [],
    targets: (out) => [join(out, 'model.py'), join(out, 'ckpt.pth')],
    write: async ({ weights, file }, out) =>
      (await import('../../export/pytorch/pytorch.ts')).exportPyTorch(weights, out, file),
  },
};

/** Refuses to replace a file without `--force`, and always refuses to replace the source weights. */
async function requireFree(target: string, source: string, force: boolean): Promise<void> {
  if (!(await exists(target))) return;
  if ((await realpath(target)) === (await realpath(source))) {
    throw new FaceparseError(`${target} is the file being exported; choose another --out`, { exitCode: 2 });
  }
  if (!force) {
    throw new FaceparseError(`${target} already exists; choose another --out, or use --force to replace it`, {
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
    throw new FaceparseError(`--${option} applies only to --format ${those.join(' and ')}; remove it`, { exitCode: 2 });
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
    .description('export a trained network to another format')
    .argument('[run]', 'run folder or weights file (default: the bundled weights)')
    .addOption(new Option('--format <name>', list.join('; ')).choices(Object.keys(formats)).makeOptionMandatory())
    .requiredOption('--out <path>', 'output file; for pytorch, a folder')
    .option('--half', 'safetensors: store kernels in half precision, for half the file size')
    .addOption(new Option('--input <type>', 'onnx: type of the input photo (default: uint8)').choices(onnxInputTypes))
    .addOption(new Option('--output <name>', 'onnx: output of the model (default: labels)').choices(onnxOutputs))
    .option('--force', 'replace existing files')
    .option('--json', jsonHelp)
    .action(runExport);
}
