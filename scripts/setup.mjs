// Makes `npm run demo` and `npm test` work in a fresh clone: installs packages and builds where something is missing or stale.
// Uses Node's built-ins only, since it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureNative } from '../native/install.mjs';
import { build } from './build.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`faceparse needs Node 20.19 or newer; this is ${process.version}. Install a newer Node and try again.`);
  process.exit(1);
}

/** Installs what package-lock.json names, once for each version of that file. */
function install() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.faceparse-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.log('Installing packages (npm ci) …');
  // npm runs under the Node that runs this script; on Windows npm is a command file, which only a shell starts.
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // onnxruntime-node otherwise downloads several hundred megabytes of CUDA libraries on Linux.
    env: { ONNXRUNTIME_NODE_INSTALL: 'skip', ...process.env },
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) {
    console.error('npm ci failed; see above. A registry that serves npm packages must be reachable.');
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}

checkNode();
install();
ensureNative();
build();
