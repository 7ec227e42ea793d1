/** A photo as 8-bit RGB, interleaved rows (H×W×3), upright (EXIF orientation applied). */
export interface Photo {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A label map, one class id per pixel (H×W). */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
