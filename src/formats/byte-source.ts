/** Bytes that are read by position: a file on disk, or a file in memory. */
export interface ByteSource {
  /** Number of bytes. */
  readonly size: number;
  /**
   * Copies the bytes from `start` up to `end` into a buffer of their own, which the caller may change.
   *
   * @throws FaceparseError if the bytes cannot be read; it does not name the file, because the caller knows it
   */
  read(start: number, end: number): Uint8Array<ArrayBuffer>;
}

/** Makes bytes in memory a source. They are not copied until they are read. */
export function byteSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read(start, end) {
      // Not bytes.slice(), which does not copy a Node Buffer.
      const part = bytes.subarray(start, end);
      const copy = new Uint8Array(part.length);
      copy.set(part);
      return copy;
    },
  };
}
