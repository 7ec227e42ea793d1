import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cacheFolder } from './cache-folder.ts';

it.each<[NodeJS.ProcessEnv, NodeJS.Platform, string]>([
  [{}, 'linux', join('/home/a', '.cache', 'faceparse')],
  [{ XDG_CACHE_HOME: '' }, 'linux', join('/home/a', '.cache', 'faceparse')],
  [{ XDG_CACHE_HOME: 'here' }, 'freebsd', join('/home/a', '.cache', 'faceparse')],
  [{ XDG_CACHE_HOME: '/big/cache' }, 'linux', join('/big/cache', 'faceparse')],
  [{ XDG_CACHE_HOME: '/big/cache' }, 'darwin', join('/big/cache', 'faceparse')],
  [{}, 'darwin', join('/home/a', 'Library', 'Caches', 'faceparse')],
  [{}, 'win32', join('/home/a', 'AppData', 'Local', 'faceparse', 'cache')],
  [{ LOCALAPPDATA: '/users/a/local' }, 'win32', join('/users/a/local', 'faceparse', 'cache')],
])('%o on %s', (env, platform, expected) => {
  expect(cacheFolder(env, platform, '/home/a')).toBe(expected);
});
