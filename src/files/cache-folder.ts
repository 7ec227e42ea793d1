import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Returns the cache folder: on every system `$XDG_CACHE_HOME/faceparse` if the variable is an absolute path, else the
 * system's default (`~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`). It may not exist yet.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function cacheFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const { XDG_CACHE_HOME: named = '', LOCALAPPDATA: local = '' } = env;
  // By the specification, relative paths are ignored.
  if (isAbsolute(named)) return join(named, 'faceparse');
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'faceparse');
  if (platform === 'win32') return join(local || join(home, 'AppData', 'Local'), 'faceparse', 'cache');
  return join(home, '.cache', 'faceparse');
}
