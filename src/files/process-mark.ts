import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces, platform } from 'node:os';

/** State of the process that a mark names; unknown for processes on other machines. */
export type ProcessState = 'alive' | 'dead' | 'unknown';

/** Inode of the initial process namespace (`PROC_PID_INIT_INO` of Linux); containers have others. */
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
 * The scope of process ids. `space` differs between boots, machines and containers. `machine` persists across boots; it is
 * `0` if it is not reliable, as in containers made from one image.
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
 * Returns the start time of a process in clock ticks since boot (field 22 of `/proc/PID/stat`, see proc(5)), to
 * distinguish it from a later process with the same id. Undefined if there is no such process, empty if the system does
 * not provide it.
 */
function startOf(pid: number): string | undefined {
  if (platform() === 'linux') {
    const stat = readText(`/proc/${pid}/stat`);
    if (stat !== '') {
      // The program name, in parentheses, may contain any character.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // A zombie has ended and only waits for its parent.
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
 * Returns a name for this process that is valid in file names (at most 40 letters, digits and dashes): machine, boot,
 * process id and start time, or `0` if the system does not provide it.
 */
export function processMark(): string {
  own ??= [here().machine, here().space, process.pid.toString(36), startOf(process.pid) || '0'].join('-');
  return own;
}

/** Returns the process id in a mark, for messages. */
export function markedPid(mark: string): number {
  return Number.parseInt(mark.split('-')[2], 36);
}

/**
 * Returns the state of the process that a mark names. It is dead if its id is unused or belongs to a process with another
 * start time, or if this machine was rebooted since.
 */
export function processState(mark: string): ProcessState {
  const [machine, space, pid, start] = mark.split('-');
  if (space !== here().space) return machine !== '0' && machine === here().machine ? 'dead' : 'unknown';
  const now = startOf(Number.parseInt(pid, 36));
  if (now === undefined) return 'dead';
  return now === '' || start === '0' || now === start ? 'alive' : 'dead';
}
