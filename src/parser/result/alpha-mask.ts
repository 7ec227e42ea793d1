/** An 8-bit mask, H×W: 0 outside, 255 inside. */
export interface AlphaMask {
  readonly width: number;
  readonly height: number;
  readonly channels: 1;
  readonly data: Uint8Array;
}

/** Options of a mask. */
export interface MaskOptions {
  /**
   * Whether values from 0 to 255 express probability, for blending along hair and borders. Otherwise a pixel is 255 if its
   * label is one of the classes, else 0.
   */
  readonly soft?: boolean;
}
