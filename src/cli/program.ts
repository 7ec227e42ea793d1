import { Command } from 'commander';
import { readOwnPackage } from '../packages/own-package.ts';
import { registerBench } from './commands/bench.ts';
import { registerCompare } from './commands/compare.ts';
import { registerConfig } from './commands/config.ts';
import { registerData } from './commands/data/index.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEvaluate } from './commands/evaluate.ts';
import { registerExport } from './commands/export.ts';
import { registerHelp } from './commands/help.ts';
import { registerImport } from './commands/import.ts';
import { registerModels } from './commands/models.ts';
import { registerPredict } from './commands/predict.ts';
import { registerReport } from './commands/report.ts';
import { registerStudy } from './commands/study.ts';
import { registerSubmit } from './commands/submit.ts';
import { registerSweep } from './commands/sweep.ts';
import { registerTrain } from './commands/train.ts';

/** Commands in the order of the help; each imports its dependencies only when it runs. */
const registrations = [
  registerDemo,
  registerData,
  registerTrain,
  registerStudy,
  registerCompare,
  registerSweep,
  registerEvaluate,
  registerPredict,
  registerReport,
  registerImport,
  registerExport,
  registerSubmit,
  registerModels,
  registerBench,
  registerConfig,
  registerDoctor,
  registerHelp,
];

/** The command line; its `parseAsync` throws commander's errors instead of exiting. */
export function createProgram(): Command {
  const program = new Command('faceparse')
    .description('Train, evaluate and use compact face-parsing networks.')
    .version(readOwnPackage().version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .option('--debug', 'show stack traces of errors (also FACEPARSE_DEBUG=1)')
    .configureHelp({ showGlobalOptions: true })
    // main.ts prints errors and adds hints.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  for (const register of registrations) register(program);
  return program;
}
