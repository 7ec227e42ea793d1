// Builds the add-on of the native engine if a compiler and oneDNN are installed. Otherwise prints one line and lets the installation
// succeed: the `onnx` engine does the same work, more slowly. Downloads nothing.
//
//   node native/install.mjs        FACEPARSE_NATIVE=0 skips the build, FACEPARSE_NATIVE_SANITIZE=yes builds with ASan and UBSan
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const target = join(folder, 'build', 'Release');
const built = join(target, 'faceparse_native.node');
/** Records the sources of the last build, successful or not. */
const stamp = join(target, 'sources.sha256');
const failure = join(folder, 'build', 'failed.sha256');
const log = join(folder, 'build', 'build.log');

function runs(command, args, options = {}) {
  return spawnSync(command, args, { stdio: ['pipe', 'ignore', 'ignore'], ...options }).status === 0;
}

/** Returns a hash of everything the build depends on. */
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

/** Finds node-gyp, which comes with npm; npm sets its path when it runs this script. */
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

/** Finds the folder whose include/node has Node's headers; without it node-gyp would download them. */
function findHeaders() {
  const prefixes = [process.env.npm_config_nodedir, dirname(dirname(process.execPath)), '/usr', '/usr/local'];
  return prefixes.find((prefix) => prefix && existsSync(join(prefix, 'include', 'node', 'node_api.h')));
}

/** The code requires oneDNN 2; version 3 has another interface. */
const oneDnnProbe =
  '#include <dnnl.hpp>\n#include <dnnl_version.h>\n#if DNNL_VERSION_MAJOR != 2\n#error version\n#endif\n';

/** Lists what is missing, in words; empty if nothing is. */
function missing() {
  if (process.platform === 'win32') return ['a system other than Windows'];
  const [compiler, ...options] = (process.env.CXX ?? 'c++').split(/\s+/);
  const lacks = [];
  if (!runs(compiler, [...options, '--version'])) lacks.push('a C++ compiler');
  else if (!runs(compiler, [...options, '-x', 'c++', '-E', '-'], { input: oneDnnProbe }))
    lacks.push('oneDNN 2 (libdnnl-dev)');
  if (!runs('make', ['--version'])) lacks.push('make');
  if (!runs('python3', ['--version'])) lacks.push('python3');
  if (!findNodeGyp()) lacks.push('node-gyp (it comes with npm)');
  if (!findHeaders()) lacks.push("Node's headers");
  return lacks;
}

/** Whether this Node can load the add-on; checked in a separate process, because an incompatible library could crash it. */
function loads() {
  // With sanitizers it loads only if their libraries have been loaded before.
  if (process.env.FACEPARSE_NATIVE_SANITIZE) return existsSync(built);
  return existsSync(built) && runs(process.execPath, ['-e', 'require(process.argv[1])', built]);
}

/**
 * Builds in a separate folder: simultaneous installations do not interfere, paths with spaces do not reach make, and the
 * existing add-on stays until the new one is complete.
 */
function compile(hash) {
  const workshop = mkdtempSync(join(tmpdir(), 'faceparse-native-'));
  try {
    cpSync(join(folder, 'src'), join(workshop, 'src'), { recursive: true });
    copyFileSync(join(folder, 'binding.gyp'), join(workshop, 'binding.gyp'));
    const headers = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
    cpSync(headers, join(workshop, 'node-addon-api'), { recursive: true });
    const command = [findNodeGyp(), 'rebuild', `--nodedir=${findHeaders()}`, `--jobs=${availableParallelism()}`];
    const result = spawnSync(process.execPath, command, {
      cwd: workshop,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 64 * 2 ** 20,
    });
    mkdirSync(target, { recursive: true });
    writeFileSync(log, `${result.stdout}${result.stderr}`);
    if (result.status !== 0) return false;
    const fresh = join(target, `faceparse_native.${process.pid}.node`);
    copyFileSync(join(workshop, 'build', 'Release', 'faceparse_native.node'), fresh);
    renameSync(fresh, built);
    writeFileSync(stamp, hash);
    return loads();
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

const hint =
  'The `onnx` engine is used instead. For the fast CPU engine, on Debian or Ubuntu run: apt-get install libdnnl-dev g++ make python3, then: node native/install.mjs';

function is(file, hash) {
  return existsSync(file) && readFileSync(file, 'utf8') === hash;
}

/**
 * Builds the add-on if it is missing, stale or does not load. Returns false if that is not possible.
 *
 * @param again whether to retry a build that failed before with the same sources
 */
export function ensureNative({ again = false } = {}) {
  if (process.env.FACEPARSE_NATIVE === '0') return false;
  try {
    const hash = sourceHash();
    if (is(stamp, hash) && loads()) return true;
    const lacks = missing();
    if (lacks.length > 0) {
      console.log(`faceparse: the native engine is not built: missing ${lacks.join(' and ')}. ${hint}`);
      return false;
    }
    if (!again && is(failure, hash)) {
      console.log(`faceparse: the native engine failed to build earlier, see ${log}. ${hint}`);
      return false;
    }
    console.log('Building the native engine (node-gyp) …');
    if (compile(hash)) {
      rmSync(failure, { force: true });
      return true;
    }
    writeFileSync(failure, hash);
    console.log(`faceparse: the native engine failed to build, see ${log}. ${hint}`);
  } catch (error) {
    // For example a read-only folder; the installation must not fail because of it.
    console.log(`faceparse: the native engine failed to build (${error.message}). ${hint}`);
  }
  return false;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) ensureNative({ again: true });
