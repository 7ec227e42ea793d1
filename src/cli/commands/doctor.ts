import type { Command } from 'commander';
import type { Engine } from '../../engine/engine.ts';
import { installCommand, isOptional, requirePackages } from '../../packages/optional-packages.ts';
import { packagePurposes } from '../../packages/package-purposes.ts';
import { formatBytes } from '../../text/format-bytes.ts';
import { type JsonOption, jsonHelp, printJson, printText } from '../command.ts';
import { formatPairs } from '../format.ts';
import type { MachineInfo } from '../machine.ts';

interface EngineReport {
  readonly name: string;
  readonly devices: readonly string[];
  readonly works: boolean;
  /** Why it does not work. */
  readonly reason?: string;
  /** Versions and instruction sets. */
  readonly details?: string;
}

/** Runs one addition, so that a broken engine is found here and not during training. */
async function tryEngine(
  name: string,
  create: () => Promise<{ engine: Engine; devices: string[]; details?: string }>,
): Promise<EngineReport> {
  try {
    const [{ Graph }, { add }] = await Promise.all([
      import('../../graph/graph.ts'),
      import('../../graph/ops/elementwise.ts'),
    ]);
    const { engine, devices, details } = await create();
    const graph = new Graph();
    const x = graph.input('x', [2]);
    graph.output('y', add(x, x));
    const program = await engine.compile(graph);
    const { y } = await program.run({ x: Float32Array.of(1, 2) });
    const right = y?.[0] === 2 && y[1] === 4;
    await program.dispose();
    return {
      name,
      devices,
      works: right,
      ...(details && { details }),
      ...(!right && { reason: `1 + 1 gave ${y?.[0]}` }),
    };
  } catch (error) {
    return { name, devices: [], works: false, reason: (error as Error).message.split('\n')[0] };
  }
}

function inspectEngines(): Promise<EngineReport[]> {
  return Promise.all([
    tryEngine('native', async () => {
      const { createNodeNativeEngine, findNative } = await import('../../engine/native/node.ts');
      const { defaultThreads } = await import('../../engine/select-engine.ts');
      const native = findNative();
      if (!native.available) throw new Error(native.reason);
      const { oneDnn, oneDnnInstructionSet, kernelInstructionSet } = native.facts;
      const threads = defaultThreads();
      return {
        engine: createNodeNativeEngine({ threads }),
        devices: ['cpu'],
        details: `oneDNN ${oneDnn} (${oneDnnInstructionSet}), own kernels ${kernelInstructionSet}, ${threads} threads`,
      };
    }),
    tryEngine('onnx', async () => {
      requirePackages('the onnx engine', ['onnxruntime-node']);
      const { createNodeOnnxEngine, listOnnxDevices } = await import('../../engine/onnx/node.ts');
      return { engine: await createNodeOnnxEngine({ threads: 1 }), devices: listOnnxDevices() };
    }),
    tryEngine('reference', async () => {
      const { createReferenceEngine } = await import('../../engine/reference/reference-engine.ts');
      return { engine: createReferenceEngine(), devices: ['cpu'] };
    }),
  ]);
}

/** The engine that `auto` selects: the first that works; the fastest is listed first. */
function defaultOf(engines: readonly EngineReport[]): string | undefined {
  return engines.find(({ works }) => works)?.name;
}

function describeMissing(name: string): string {
  return isOptional(name)
    ? `not installed (${packagePurposes[name]}): ${installCommand([name])}`
    : 'not installed: run npm install';
}

function formatReport(machine: MachineInfo, engines: readonly EngineReport[]): string {
  const { processor, memory } = machine;
  const names = Object.keys(machine.packages);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const engineWidth = Math.max(...engines.map(({ name }) => name.length)) + 2;
  const defaultEngine = defaultOf(engines);
  const describeEngine = ({ name, devices, works, reason, details }: EngineReport): string => {
    const others = devices.filter((device) => device !== 'cpu');
    const state = [
      works ? 'works on cpu' : `does not work: ${reason}`,
      details,
      name === defaultEngine && 'default',
      // The runtime reports what it was built for, not which drivers are installed.
      others.length > 0 && `also built for ${others.join(', ')}`,
    ];
    return `${name.padEnd(engineWidth)}${state.filter(Boolean).join('; ')}`;
  };
  return formatPairs([
    ['faceparse', machine.faceparse],
    ['Node', `${machine.node} (${machine.platform})`],
    ['Processor', processor.model],
    ['Cores', String(processor.cores)],
    ['Instructions', processor.instructions.join(', ') || 'unknown on this system'],
    [
      'Memory',
      `${formatBytes(memory.total)}, ${formatBytes(memory.free)} free${memory.limit ? `, limited to ${formatBytes(memory.limit)}` : ''}`,
    ],
    ['Engines', engines.map(describeEngine).join('\n')],
    [
      'Packages',
      names.map((name) => `${name.padEnd(width)}${machine.packages[name] ?? describeMissing(name)}`).join('\n'),
    ],
  ]);
}

/** `faceparse doctor`; exit code 1 if only the slow reference engine works. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('show the machine and packages, and test the engines')
    .option('--json', jsonHelp)
    .action(async (options: JsonOption) => {
      const { inspectMachine } = await import('../machine.ts');
      const machine = inspectMachine();
      const engines = await inspectEngines();
      if (!engines.some(({ name, works }) => name !== 'reference' && works)) process.exitCode = 1;
      if (options.json) printJson({ ...machine, engines, defaultEngine: defaultOf(engines) });
      else printText(formatReport(machine, engines));
    });
}
