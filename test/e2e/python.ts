import { spawnSync } from 'node:child_process';

/** Debian's Python, which has Debian's PyTorch where that is installed. */
export const python = '/usr/bin/python3';

/** Whether that Python finds packages, without loading them. */
function finds(...packages: readonly string[]): boolean {
  const script = 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))';
  return spawnSync(python, ['-c', script, ...packages]).status === 0;
}

export const torchIsThere = finds('torch', 'numpy', 'PIL');
export const numpyIsThere = finds('numpy', 'PIL');

/** Where the processor is busy, loading torch alone takes a minute. */
export const torchTimeout = 600_000;
