import { imageGrid } from '../../charts/image-grid.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import type { Panel } from '../comparison.ts';

export async function panelSheet(panel: Panel, _set: LabelSet, _runs: readonly string[]): Promise<Buffer> {
  return imageGrid([[{ width: panel.width, height: panel.height, data: panel.photo }]]);
}
