import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces, platform } from 'node:os';

/** What is known of the process that a mark names; of one on another machine nothing is. */
export type ProcessState = 'alive' | 'dead' | 'unknown';

/** The inode of the process namespace that a machine starts with (`PROC_PID_INIT_INO` of Linux); containers have others. */
const firstNamespace = 'pid:[4026531836]';

function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 8);
}

function read(path: string, reader: (path: string) => string): string {
  try {
    return reader(path).trim();
  } catch {
    return '';
  }
}

const readText = (path: string) => read(path, (file) => readFileSync(file, 'utf8'));

interface Place {
  readonly machine: string;
  readonly space: string;
}

/**
 * Where process ids mean something: `space` differs from boot to boot, between machines and between containers. `machine`
 * stays through boots, and is `0` where it cannot be known for sure, as in containers made from one image.
 */
function findPlace(): Place {
  const boot = readText('/proc/sys/kernel/random/boot_id');
  const namespace = read('/proc/self/ns/pid', (path) => readlinkSync(path));
  if (boot && namespace) {
    const id = readText('/etc/machine-id');
    const machine = id && namespace === firstNamespace ? hash('machine', id, hostname()) : '0';
    return { machine, space: hash('linux', boot, namespace) };
  }
  const addresses = Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).flatMap(({ mac, internal }) => (internal ? [] : [mac])),
  );
  return { machine: '0', space: hash(platform(), hostname(), ...[...new Set(addresses)].sort()) };
}

/**
 * When a process started, in clock ticks since the boot (field 22 of `/proc/PID/stat`, see proc(5)), which tells it from a
 * later one of the same id; undefined where no such process runs, empty where the system does not say.
 */
function startOf(pid: number): string | undefined {
  if (platform() === 'linux') {
    const stat = readText(`/proc/${pid}/stat`);
    if (stat !== '') {
      // The name of the program, in parentheses, may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie was killed, and only waits for its parent to take notice.
      return 'ZX'.includes(fields[0]) ? undefined : Number(fields[19]).toString(36);
    }
  }
  try {
    process.kill(pid, 0);
    return '';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? '' : undefined;
  }
}

let place: Place | undefined;
let own: string | undefined;

function here(): Place {
  place ??= findPlace();
  return place;
}

/**
 * A name for this process, fit for names of files (letters, digits and dashes, at most 40): machine, boot, process id, and
 * start, `0` where the system does not tell it.
 */
export function processMark(): string {
  own ??= [here().machine, here().space, process.pid.toString(36), startOf(process.pid) || '0'].join('-');
  return own;
}

/** The process id in a mark, for people. */
export function markedPid(mark: string): number {
  return Number.parseInt(mark.split('-')[2], 36);
}

/**
 * Whether the process that a mark names still runs. It is dead where its id is no longer in use or belongs to a process that
 * started at another time, and where this machine has been started anew since.
 */
export function processState(mark: string): ProcessState {
  const [machine, space, pid, start] = mark.split('-');
  if (space !== here().space) return machine !== '0' && machine === here().machine ? 'dead' : 'unknown';
  const now = startOf(Number.parseInt(pid, 36));
  if (now === undefined) return 'dead';
  return now === '' || start === '0' || now === start ? 'alive' : 'dead';
}
