// Builds the add-on with AddressSanitizer and UndefinedBehaviorSanitizer beside the ordinary one, and runs the contract of the native engine on it.
//
//   npm run test:native-sanitized [-- vitest arguments]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'faceparse-sanitized-'));

function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  return status === 0;
}

/** The sanitizers' libraries have to be there before Node's own allocations. */
function runtime(name) {
  return spawnSync('gcc', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
}

try {
  cpSync(join(root, 'native'), folder, { recursive: true, filter: (path) => !path.includes(join('native', 'build')) });
  const environment = {
    ...process.env,
    NODE_PATH: join(root, 'node_modules'),
    // A word: gyp would make a number of 1, which equals no text.
    FACEPARSE_NATIVE_SANITIZE: 'yes',
    FACEPARSE_NATIVE_ADDON: join(folder, 'build', 'Release', 'faceparse_native.node'),
  };
  const built = run(process.execPath, [join(folder, 'install.mjs')], { env: environment });
  const sanitized = built && readFileSync(environment.FACEPARSE_NATIVE_ADDON).includes('__asan_init');
  if (built && !sanitized) console.error('the add-on was built without the sanitizers');
  const passed =
    sanitized &&
    run(
      process.execPath,
      [
        join(root, 'node_modules', 'vitest', 'vitest.mjs'),
        'run',
        ...['ops', 'programs', 'models', 'training', 'native-random'].map((name) => `test/contract/${name}.test.ts`),
        'src/data/augmentation/native-kernels.test.ts',
        'src/native-pixels/pixel-kernels.test.ts',
        ...['-t', 'native|add-on|Addon', '--testTimeout=600000', '--maxWorkers=1'],
        ...process.argv.slice(2),
      ],
      {
        env: {
          ...environment,
          LD_PRELOAD: [runtime('libasan.so'), runtime('libubsan.so')].join(':'),
          // Node keeps much until it ends; what the engine keeps is tested by its memory.
          ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1',
          UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
        },
      },
    );
  process.exitCode = passed ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
