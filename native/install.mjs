// Builds the add-on of the native engine where a compiler and oneDNN are there; where they are not, says so in one line and lets the
// installation succeed: the `onnx` engine does all the same things, slower. Downloads nothing.
//
//   node native/install.mjs        FACEPARSE_NATIVE=0 leaves it out, FACEPARSE_NATIVE_SANITIZE=1 builds with ASan and UBSan
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const built = join(folder, 'build', 'Release', 'faceparse_native.node');
const stamp = join(folder, 'build', 'sources.sha256');
const log = join(folder, 'build.log');

function runs(command, args, options = {}) {
  return spawnSync(command, args, { stdio: ['pipe', 'ignore', 'ignore'], ...options }).status === 0;
}

/** What the result depends on. */
function sourceHash() {
  const hash = createHash('sha256');
  hash.update(`${process.version} ${process.arch} ${process.env.FACEPARSE_NATIVE_SANITIZE ?? ''}`);
  const files = readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of [join(folder, 'binding.gyp'), ...files]) {
    hash.update(file.slice(folder.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** node-gyp comes with npm; npm says where when it runs us. */
function findNodeGyp() {
  const prefix = dirname(dirname(process.execPath));
  const candidates = [
    process.env.npm_config_node_gyp,
    join(prefix, 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
    join(prefix, 'share', 'nodejs', 'node-gyp', 'bin', 'node-gyp.js'),
    join('/usr', 'local', 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
  ];
  return candidates.find((path) => path && existsSync(path));
}

/** The folder whose include/node has Node's headers; without it node-gyp would download them. */
function findHeaders() {
  const prefixes = [process.env.npm_config_nodedir, dirname(dirname(process.execPath)), '/usr', '/usr/local'];
  return prefixes.find((prefix) => prefix && existsSync(join(prefix, 'include', 'node', 'node_api.h')));
}

/** What is missing, in words; empty when all is there. */
function missing() {
  if (process.platform === 'win32') return ['a system other than Windows'];
  const compiler = process.env.CXX ?? 'c++';
  const lacks = [];
  if (!runs(compiler, ['--version'])) lacks.push('a C++ compiler');
  else if (!runs(compiler, ['-x', 'c++', '-E', '-'], { input: '#include <dnnl.hpp>\n' }))
    lacks.push('oneDNN (libdnnl-dev)');
  if (!runs('make', ['--version'])) lacks.push('make');
  if (!runs('python3', ['--version'])) lacks.push('python3');
  if (!findNodeGyp()) lacks.push('node-gyp (it comes with npm)');
  if (!findHeaders()) lacks.push("Node's headers");
  return lacks;
}

function compile() {
  const result = spawnSync(
    process.execPath,
    [
      findNodeGyp(),
      'rebuild',
      `--directory=${folder}`,
      `--nodedir=${findHeaders()}`,
      `--jobs=${availableParallelism()}`,
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 * 2 ** 20 },
  );
  writeFileSync(log, `${result.stdout}${result.stderr}`);
  return result.status === 0 && existsSync(built);
}

const hint =
  'The `onnx` engine is used instead. For the fast one, on Debian or Ubuntu: apt-get install libdnnl-dev g++ make python3, then: node native/install.mjs';

/** Builds what is not there or stale; false where that is not possible. */
export function ensureNative() {
  if (process.env.FACEPARSE_NATIVE === '0') return false;
  const hash = sourceHash();
  if (existsSync(built) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return true;
  // What was built from other sources would not fit.
  rmSync(join(folder, 'build'), { recursive: true, force: true });
  const lacks = missing();
  if (lacks.length > 0) {
    console.log(`faceparse: the native engine is not built, ${lacks.join(' and ')} being missing. ${hint}`);
    return false;
  }
  console.log('Building the native engine (node-gyp) …');
  if (!compile()) {
    console.log(`faceparse: the native engine could not be built, see ${log}. ${hint}`);
    return false;
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensureNative();
