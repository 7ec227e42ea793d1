/** When a frame was taken, in seconds. */
export interface FrameTime {
  readonly time: number;
  /** Since the frame before. */
  readonly seconds: number;
}
