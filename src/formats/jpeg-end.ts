const marker = 0xff;
const startOfScan = 0xda;
const endOfImage = 0xd9;
/** Sequential frames: their only scan contains the whole picture. Progressive ones refine it scan by scan. */
const sequentialFrames = [0xc0, 0xc1];

/** Bytes that continue the data of a scan in different ways. */
const continuations = [0x55, 0xaa] as const;
const continuationBytes = 64;

/**
 * Completes a JPEG without an end marker in two ways. If only the marker is missing, as in files of some cameras, both decode
 * to the same pixels; if pixels are missing, they differ.
 *
 * Returns undefined for a file with an end marker, and for several scans, since such a file may end between two of them.
 *
 * @example const [one, other] = completedJpegs(bytes) ?? [];
 */
export function completedJpegs(bytes: Uint8Array): [Uint8Array, Uint8Array] | undefined {
  const [beforeLast, last] = bytes.subarray(-2);
  if ((beforeLast === marker && last === endOfImage) || !hasSingleScan(bytes)) return undefined;
  // The end may have been cut within its marker.
  const data = last === marker ? bytes.subarray(0, -1) : bytes;
  const [one, other] = continuations;
  return [complete(data, one), complete(data, other)];
}

function complete(data: Uint8Array, continuation: number): Uint8Array {
  const whole = new Uint8Array(data.length + continuationBytes + 2).fill(continuation);
  whole.set(data);
  whole.set([marker, endOfImage], whole.length - 2);
  return whole;
}

/** Whether the first scan is that of a sequential frame and contains all its components. */
function hasSingleScan(bytes: Uint8Array): boolean {
  let components: number | undefined;
  for (let at = 2; at + 9 < bytes.length && bytes[at] === marker; at += 2 + 256 * bytes[at + 2] + bytes[at + 3]) {
    const kind = bytes[at + 1];
    if (sequentialFrames.includes(kind)) components = bytes[at + 9];
    if (kind === startOfScan) return bytes[at + 4] === components;
  }
  return false;
}
