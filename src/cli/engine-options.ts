import { type Command, Option } from 'commander';
import { type EngineChoice, engineNames } from '../engine/select-engine.ts';
import { wholeNumber } from './command.ts';

/** The options that `addEngineOptions` adds. */
export interface EngineOptions {
  readonly engine?: NonNullable<EngineChoice['name']>;
  readonly device?: NonNullable<EngineChoice['device']>;
  readonly threads?: number;
}

/** Adds `--engine`, `--device` and `--threads` to a command. */
export function addEngineOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--engine <name>', 'compute engine (auto: native if built, else onnx)').choices([...engineNames]),
    )
    .addOption(new Option('--device <name>', 'device of the onnx engine').choices(['cpu', 'webgpu', 'cuda', 'dml']))
    .option('--threads <n>', 'threads of the engine (default: one per core)', wholeNumber(1, 256));
}

/** The options as `selectEngine` takes them. */
export function engineChoice({ engine, device, threads }: EngineOptions): EngineChoice {
  return { ...(engine && { name: engine }), ...(device && { device }), ...(threads && { threads }) };
}
