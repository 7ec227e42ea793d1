import { dirname, join } from 'node:path';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { readEnvironment } from './environment.ts';

/**
 * The data folder (with train/ and val/) recorded by a run.
 *
 * @param consequence beginning of errors, such as `runs/x cannot be resumed`
 * @throws FaceparseError (exit code 2) if the record is missing or the folder no longer exists
 *
 * @example await recordedData('runs/x', 'runs/x cannot be resumed') // '/home/me/data'
 */
export async function recordedData(run: string, consequence: string): Promise<string> {
  const { trainingData } = await readEnvironment(join(run, 'environment.json'), consequence);
  const data = dirname(trainingData.folder);
  if (await exists(data)) return data;
  throw new FaceparseError(`${consequence}: its data folder ${data} no longer exists; pass --data FOLDER`, {
    exitCode: 2,
  });
}
