import { cp, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../dataset-fixture.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * A project in which faceparse is installed with these packages and no others; those are links to the clone's.
 *
 * @returns the folder of the project; faceparse has no native add-on there
 */
export async function installWith(packages: readonly string[]): Promise<string> {
  const project = await temporaryFolder();
  const modules = join(project, 'node_modules');
  // Not a link: Node looks for packages from where a file really is.
  for (const name of ['dist', 'package.json']) {
    await cp(join(root, name), join(modules, 'faceparse', name), { recursive: true });
  }
  for (const name of packages) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name), 'junction');
  }
  await symlink(join(root, 'weights'), join(modules, 'faceparse', 'weights'), 'junction');
  return project;
}
