import { dirname, join } from 'node:path';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { readEnvironment } from './environment.ts';

/**
 * The data folder (with train/ and val/) that a run recorded when it began.
 *
 * @param consequence how errors begin: `runs/x cannot be resumed`
 * @throws FaceparseError (exit code 2) where the record is missing or the folder is gone
 *
 * @example await recordedData('runs/x', 'runs/x cannot be resumed') // '/home/me/data'
 */
export async function recordedData(run: string, consequence: string): Promise<string> {
  const { trainingData } = await readEnvironment(join(run, 'environment.json'), consequence);
  const data = dirname(trainingData.folder);
  if (await exists(data)) return data;
  throw new FaceparseError(
    `${consequence}: its data folder ${data} no longer exists; name the data with --data FOLDER`,
    {
      exitCode: 2,
    },
  );
}
