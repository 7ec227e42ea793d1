import { describe, expect, it } from 'vitest';
import { randomWeights } from '../../test/random-weights.ts';
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { parseLabelTable } from '../labels/parse-label-table.ts';
import { decodeWeights, encodeWeights } from './weights-file.ts';

const names = celebamask19.classes.map(({ name }) => name);
const labels = parseLabelTable({
  name: 'hair-only',
  classes: [{ name: 'background', from: names.filter((name) => !['hair', 'hat'].includes(name)) }, { name: 'hair' }],
  drop: ['hat'],
}).table!;
const { weights, graph } = randomWeights({ labels });
const bytes = encodeWeights(weights, graph);

function changed(change: Record<string, string>): Uint8Array {
  const { metadata, tensors } = decodeSafetensors(bytes);
  return encodeSafetensors(tensors, { ...metadata, ...change });
}

describe('a weights file with its own label set', () => {
  it('contains the whole table, so that it needs no configuration', () => {
    const { metadata } = decodeSafetensors(bytes);
    expect([metadata.version, metadata.labels]).toEqual(['3', 'hair-only']);
    expect(JSON.parse(metadata.labelSet)).toEqual(labels);
    expect(decodeWeights(bytes).labels).toEqual(labels);
  });

  it.each([
    [
      'labelSet',
      '',
      /^the label set of a is "", but must be a table with a name and classes; the file may be damaged\.$/,
    ],
    ['labelSet', '{', /^the label set of a is "{", but must/],
    ['labelSet', 'null', /^the label set of a is null, but must/],
    ['labelSet', '[]', /^a has a wrong label set: it is \[\], but must be a table/],
    ['labelSet', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, /^a has a wrong label set: it is/],
    ['labelSet', `"${'x'.repeat(70_000)}"`, /^a has a label set of 70002 characters; it may be damaged/],
    ['labelSet', JSON.stringify({ ...labels, drop: [] }), /^a has a wrong label set: hat is in no class/],
    ['labelSet', JSON.stringify({ ...labels, name: 'celebamask-19' }), /which is a built-in label set/],
    ['labels', 'hair', /^a names its label set 'hair' and 'hair-only'; it may be damaged/],
    ['version', '2', /^a uses the label set 'hair-only', which this version/],
  ])('with %s = %.20s is refused', (key, value, message) => {
    expect(() => decodeWeights(changed({ [key]: value }), 'a')).toThrow(message);
  });

  it('is not written with a table that could not be read back', () => {
    const wrong = { ...labels, drop: ['nose'] };
    expect(() => encodeWeights({ ...weights, labels: wrong }, graph)).toThrow(
      /has a wrong label set: nose is in class/,
    );
  });
});
