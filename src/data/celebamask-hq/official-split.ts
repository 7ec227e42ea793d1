import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';

/** The three splits of CelebAMask-HQ. */
export type OfficialSplit = 'train' | 'val' | 'test';

export const officialSplits: readonly OfficialSplit[] = ['train', 'val', 'test'];

/**
 * The first original index of the validation and the test images, as in
 * `face_parsing/Data_preprocessing/g_partition.py` of switchablenorms/CelebAMask-HQ.
 */
const firstOfVal = 162_771;
const firstOfTest = 182_638;

/**
 * Reads `CelebA-HQ-to-CelebA-mapping.txt`: lines of the number of a photo, its index in CelebA and its file there, usually
 * after a heading.
 *
 * CelebAMask-HQ uses the partition of CelebA. The complete file gives 24,183 photos for train, 2,993 for val and 2,824 for
 * test.
 *
 * @param file the file, for messages
 * @returns number of the photo → split
 * @throws FaceparseError that names the line if it has no two numbers, or if two lines disagree
 */
export function readOfficialSplit(text: string, file: string): Map<number, OfficialSplit> {
  const splits = new Map<number, OfficialSplit>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || /^\ufeff?idx$/i.test(words[0])) continue;
    const [number, original] = words.slice(0, 2).map((word) => (/^\d{1,7}$/.test(word) ? Number(word) : Number.NaN));
    if (!(number >= 0) || !(original >= 0)) {
      throw new FaceparseError(
        `${file}, line ${index + 1}: ${quote(line.trim())} is not "number, index in CelebA, file"; use the file of the download`,
      );
    }
    const split = original < firstOfVal ? 'train' : original < firstOfTest ? 'val' : 'test';
    if ((splits.get(number) ?? split) !== split) {
      throw new FaceparseError(
        `${file}, line ${index + 1}: photo ${number} is listed twice, for two splits; use the file of the download`,
      );
    }
    splits.set(number, split);
  }
  return splits;
}
