import { freezeForInference } from '../../engine/freeze-for-inference.ts';
import { lowerNodes, onnxOpset } from '../../engine/onnx/graph-to-onnx.ts';
import { OnnxBuilder } from '../../engine/onnx/lowering.ts';
import { encodeOnnxModel, type OnnxValueInfo } from '../../formats/onnx-protobuf.ts';
import { labelSetName } from '../../labels/label-table.ts';
import { getLabelSet } from '../../labels/registry.ts';
import type { Weights } from '../../models/weights-file.ts';
import { weightsGraph } from '../../models/weights-graph.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { OnnxExportOptions } from './onnx-options.ts';
import { OnnxPhoto } from './onnx-photo.ts';

/** Batch sizes used to verify that the model does not depend on them; no layer has so few channels. */
const batchProbes = [5, 7] as const;

/**
 * Exports a network with its pre- and postprocessing as an ONNX model (opset 17) of standard operators. The input `photo`
 * (N×H×W×3, RGB, 0 to 255, any N, H and W) is resized to the training size (stretched or letterboxed) and normalised inside the model. The output is
 * `labels` (N×H×W, uint8, one class id per pixel of the photo) or `logits` (N×classes×h×w, float32, at the stride of the
 * network, with the padding of letterboxed photos). The metadata contain the classes, their colours and the metadata of the weights file.
 *
 * @param name name of the weights in errors
 * @throws FaceparseError if the weights do not fit their network
 * @example await writeFile('face.onnx', onnxModel((await loadWeights('runs/compact')).weights))
 */
export function onnxModel(weights: Weights, options: OnnxExportOptions = {}, name = 'the weights'): Uint8Array {
  const [model, other] = batchProbes.map((batch) => writeModel(weights, name, batch, options)) as [
    Uint8Array,
    Uint8Array,
  ];
  if (!isSame(model, other)) {
    throw new FaceparseError(`${weights.model} cannot be exported as ONNX for a variable number of photos`);
  }
  return model;
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  // A loop: `every` takes seven times as long for the bytes of a network.
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return one.length === other.length;
}

function writeModel(weights: Weights, name: string, batch: number, options: OnnxExportOptions): Uint8Array {
  const { input = 'uint8', output = 'labels' } = options;
  const graph = freezeForInference(weightsGraph(weights, name, weights.preprocessing.size, batch), weights.states);
  const logits = graph.outputs.get('logits')!;
  const builder = new OnnxBuilder({ contrib: false, batch: { extent: batch, of: 'photo' } });
  const photo = new OnnxPhoto(builder, 'photo', input);
  const image = photo.networkInput(weights.preprocessing);
  const scores = lowerNodes(graph, builder, () => image).get(logits)!;
  const result = output === 'labels' ? photo.labels(scores, logits.shape, weights.preprocessing) : scores;
  builder.nodes.push({ opType: 'Identity', inputs: [result], outputs: [output] });
  const outputs: Record<NonNullable<OnnxExportOptions['output']>, OnnxValueInfo> = {
    labels: { name: 'labels', type: 'uint8', shape: ['batch', 'height', 'width'] },
    logits: { name: 'logits', type: 'float32', shape: ['batch', ...logits.shape.slice(1)] },
  };
  return encodeOnnxModel({
    opsets: { '': onnxOpset },
    nodes: builder.nodes,
    inputs: [{ name: 'photo', type: input, shape: ['batch', 'height', 'width', 3] }],
    outputs: [outputs[output]],
    initializers: builder.initializers,
    metadata: metadataOf(weights),
  });
}

function metadataOf({ model, labels, preprocessing, origin, notes = {} }: Weights): Record<string, string> {
  const { classes } = getLabelSet(labels);
  return {
    model,
    labels: labelSetName(labels),
    ...(typeof labels === 'object' && { labelSet: JSON.stringify(labels) }),
    size: String(preprocessing.size),
    classes: JSON.stringify(classes.map((entry) => entry.name)),
    palette: JSON.stringify(classes.map(({ color }) => color)),
    ...(origin && { origin: JSON.stringify(origin) }),
    ...Object.fromEntries(Object.entries(notes).map(([key, value]) => [`note.${key}`, value])),
  };
}
