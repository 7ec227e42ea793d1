import type { Command } from 'commander';
import { registerDataCheck } from './check.ts';
import { registerDataConvert } from './convert.ts';
import { registerDataPrepare } from './prepare.ts';
import { registerDataStats } from './stats.ts';
import { registerDataSynthesize } from './synthesize.ts';

/** `faceparse data …` */
export function registerData(program: Command): void {
  const data = program.command('data').description('check, describe, prepare, convert and synthesize datasets');
  registerDataCheck(data);
  registerDataStats(data);
  registerDataPrepare(data);
  registerDataConvert(data);
  registerDataSynthesize(data);
}
