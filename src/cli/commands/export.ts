import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { FaceparseError } from '../../errors.ts';
import { exists } from '../../files/path-kind.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Weights } from '../../parser/weights-file.ts';
import { type JsonOption, jsonHelp, printJson, printText } from '../command.ts';
import { formatBytes } from '../format.ts';

interface ExportOptions extends JsonOption {
  format: string;
  out: string;
  half?: boolean;
  force?: boolean;
}

/** What is exported. */
interface ExportSource {
  /** The weights file, for errors. */
  readonly file: string;
  readonly weights: Weights;
  /** Inference graph for one picture of the size that the network was trained on. */
  readonly graph: Graph;
}

interface ExportFormat {
  /** A few words for the help. */
  readonly summary: string;
  /** Whether kernels may have half precision. */
  readonly halves: boolean;
  /** The files that it writes, given `--out`. */
  readonly targets: (out: string) => string[];
  /** Writes the targets, which may be there already. */
  readonly write: (source: ExportSource, out: string, options: { readonly half: boolean }) => Promise<unknown>;
}

/** The formats by name; a new one needs an entry here and nothing else. */
const formats: Readonly<Record<string, ExportFormat>> = {
  safetensors: {
    summary: 'the weights with what faceparse needs to use them, without the rest of the run; --out is a file',
    halves: true,
    targets: (out) => [out],
    write: async ({ weights, graph }, out, { half }) => {
      const [{ encodeWeights }, { writeFileAtomic }] = await Promise.all([
        import('../../parser/weights-file.ts'),
        import('../../files/atomic-write.ts'),
      ]);
      await writeFileAtomic(out, encodeWeights(weights, graph, { half }));
    },
  },
  pytorch: {
    summary: 'model.py, which needs nothing but PyTorch, and ckpt.pth with its state_dict; --out is a folder',
    halves: false,
    targets: (out) => [join(out, 'model.py'), join(out, 'ckpt.pth')],
    write: async ({ weights, file }, out) =>
      (await import('../../export/pytorch.ts')).exportPyTorch(weights, out, file),
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
  const { out, half = false, force = false } = options;
  const format = formats[options.format]!;
  if (half && !format.halves) {
    throw new FaceparseError(`--format ${options.format} has no half precision; leave --half out`, { exitCode: 2 });
  }
  const [{ loadWeights }, { weightsGraph }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../parser/weights-graph.ts'),
  ]);
  const { file, weights } = await loadWeights(run);
  const graph = weightsGraph(weights, file);
  const paths = format.targets(out);
  for (const path of paths) await requireFree(path, file, force);
  await format.write({ file, weights, graph }, out, { half });
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
    .option('--half', 'kernels in half precision: half the size; biases and normalisation stay whole')
    .option('--force', 'replace a file that is there already')
    .option('--json', jsonHelp)
    .action(runExport);
}
