import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));
const execute = promisify(execFile);

/** What npm says where it reaches no registry. */
const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED/;

/** Runs npm without install scripts; they would download, or build the add-on again. */
async function npm(words: readonly string[], cwd: string): Promise<void> {
  await execute(
    'npm',
    [...words, '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd,
      timeout: 240_000,
      shell: process.platform === 'win32',
    },
  );
}

export interface PackedProject {
  readonly folder: string;
  /** Why npm could not install there, where it reaches no registry. */
  readonly missing?: string;
  /** Writes files into the project, by path. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Runs a program in the project; gives back what it writes to standard output. */
  run(program: string, ...words: string[]): Promise<string>;
  remove(): Promise<void>;
}

/**
 * An empty project into which npm installs the file that `npm pack` writes, as a user of the package does.
 *
 * @param manifest its package.json
 * @param packages what else is installed there, as npm is given it
 */
export async function installPacked(manifest: object, packages: readonly string[] = []): Promise<PackedProject> {
  const folder = await mkdtemp(join(tmpdir(), 'faceparse-packed-'));
  const project: PackedProject = {
    folder,
    async write(files) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
    },
    async run(program, ...words) {
      const { stdout } = await execute(program, words, { cwd: folder, timeout: 120_000 }).catch((error) => {
        throw new Error(`${program} ${words.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
      });
      return stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
  try {
    await npm(['pack', '--pack-destination', folder], root);
    const [packed] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
    await project.write({ 'package.json': JSON.stringify({ private: true, ...manifest }) });
    await npm(['install', `./${packed}`, ...packages], folder);
    return project;
  } catch (error) {
    const { message, stderr = '' } = error as Error & { stderr?: string };
    if (offline.test(stderr)) return { ...project, missing: `no npm registry can be reached: ${stderr.trim()}` };
    await project.remove();
    throw new Error(`${message}\n${stderr}`);
  }
}

/** The TypeScript compiler of the clone. */
export const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

/** The clone's declarations of Node. */
export const typeRoots = [join(root, 'node_modules', '@types')];
