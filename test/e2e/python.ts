import { spawnSync } from 'node:child_process';

/** Debian's Python, which has Debian's PyTorch where that is installed. */
export const python = '/usr/bin/python3';

/** Whether that Python finds torch, numpy and Pillow, without loading them. */
export const torchIsThere =
  spawnSync(python, [
    '-c',
    'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("torch", "numpy", "PIL"))))',
  ]).status === 0;

/** Where the processor is busy, loading torch alone takes a minute. */
export const torchTimeout = 600_000;
