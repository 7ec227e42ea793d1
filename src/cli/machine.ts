import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, freemem, platform, totalmem } from 'node:os';
import { installedPackage, resolveDataFile } from '../packages/installed-package.ts';
import { isFallbackFont } from '../packages/optional-packages.ts';
import { packageRanges, readOwnPackage } from '../packages/own-package.ts';

/** The processor, as reported by the system. */
export interface ProcessorInfo {
  readonly model: string;
  readonly cores: number;
  /** Vector instruction sets relevant to the engines; empty if unknown. */
  readonly instructions: readonly string[];
}

/** The machine and the installation. */
export interface MachineInfo {
  readonly faceparse: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: ProcessorInfo;
  /** In bytes; `limit` is the container's, if any. */
  readonly memory: { readonly total: number; readonly free: number; readonly limit?: number };
  /** Installed version by package, including optional ones; undefined if missing. */
  readonly packages: Readonly<Record<string, string | undefined>>;
}

/** Flags of /proc/cpuinfo (x86 and ARM) and their usual names. */
const instructionNames: readonly (readonly [string, string])[] = [
  ['sse4_2', 'SSE4.2'],
  ['avx', 'AVX'],
  ['avx2', 'AVX2'],
  ['fma', 'FMA'],
  ['avx512f', 'AVX-512'],
  ['avx512_vnni', 'AVX-512 VNNI'],
  ['amx_tile', 'AMX'],
  ['asimd', 'NEON'],
  ['sve', 'SVE'],
];

/**
 * The instruction sets in the text of /proc/cpuinfo.
 *
 * @example instructionsOf('flags : fpu sse4_2 avx2 fma') // ['SSE4.2', 'AVX2', 'FMA']
 */
export function instructionsOf(cpuinfo: string): string[] {
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(/\s+/));
  return instructionNames.filter(([flag]) => flags.has(flag)).map(([, name]) => name);
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

/** Inspects the machine and the installed packages without running anything. */
export function inspectMachine(): MachineInfo {
  const total = totalmem();
  // 0 or a huge number if there is no limit.
  const limit = process.constrainedMemory();
  return {
    faceparse: readOwnPackage().version,
    node: process.versions.node,
    platform: `${platform()} ${arch()}`,
    processor: {
      model: cpus()[0]?.model.trim() || 'unknown',
      cores: availableParallelism(),
      instructions: instructionsOf(readCpuinfo()),
    },
    memory: { total, free: freemem(), ...(limit > 0 && limit < total && { limit }) },
    packages: Object.fromEntries(
      Object.keys(packageRanges()).map((name) => [
        name,
        installedPackage(name, isFallbackFont(name) ? resolveDataFile : undefined)?.version,
      ]),
    ),
  };
}
