// Loaded before the command line (`--import`) by runs that are to be killed: kills the process with SIGKILL at a place in its
// writing, which FACEPARSE_TEST_KILL names as `write:FILE` (when half of it is written) or `rename:FILE` (just before it gets
// its name), with `#3` for the third time, or as `any#3`, the third of all these.
import { writeSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const [place, times = '1'] = (process.env.FACEPARSE_TEST_KILL ?? '').split('#');
let left = Number(times);

function die() {
  process.kill(process.pid, 'SIGKILL');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** The name that a file aside is to get. */
function finalName(path) {
  return basename(path).replace(/^\.(.+)\.[0-9a-z]+-[0-9a-z-]+\.[0-9a-f]{6}\.aside$/, '$1');
}

function isPlace(kind, path) {
  return (place === 'any' || place === `${kind}:${finalName(path)}`) && --left === 0;
}

if (isMainThread && place !== '') {
  const { open, rename } = promises;
  promises.open = async (path, ...rest) => {
    const handle = await open(path, ...rest);
    const { writeFile } = handle;
    handle.writeFile = (data, ...options) => {
      if (!isPlace('write', path)) return writeFile.call(handle, data, ...options);
      const bytes = Buffer.from(data);
      writeSync(handle.fd, bytes.subarray(0, bytes.length >> 1));
      die();
    };
    return handle;
  };
  promises.rename = (from, to) => {
    if (isPlace('rename', to)) die();
    return rename(from, to);
  };
  syncBuiltinESMExports();
}
