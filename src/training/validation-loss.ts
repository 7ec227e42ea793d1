import type { Config } from '../config/schema.ts';
import type { Engine, EntryProgram, Program } from '../engine/engine.ts';
import { Graph } from '../graph/graph.ts';
import { resize } from '../graph/ops/resize.ts';
import type { LabelMap } from '../image/image.ts';
import { type ResizeRule, squareLabels } from '../image/preprocessing.ts';
import { combinedLoss } from '../losses/combined.ts';

/** An engine whose programs keep a copy of the logits of their last run, to compute losses. */
export class LogitsRecorder implements Engine {
  readonly name: string;
  readonly device: string;
  /** Logits of the last run, C×H×W; undefined before the first. */
  logits: Float32Array | undefined;
  /** 1×C×H×W. */
  shape: readonly number[] = [];

  constructor(private readonly engine: Engine) {
    this.name = engine.name;
    this.device = engine.device;
  }

  async compile(graph: Graph): Promise<Program> {
    const program = await this.engine.compile(graph);
    this.shape = graph.outputs.get('logits')!.shape;
    return {
      run: async (inputs, outputs) => {
        const values = await program.run(inputs, outputs);
        // The next run of the program may overwrite them.
        this.logits = values.logits.slice();
        return values;
      },
      readStates: (names) => program.readStates(names),
      writeStates: (values) => program.writeStates(values),
      dispose: () => program.dispose(),
    };
  }

  compileEntries<Entry extends string>(entries: Readonly<Record<Entry, Graph>>): Promise<EntryProgram<Entry>> {
    return this.engine.compileEntries(entries);
  }
}

/**
 * Computes the loss of a run for one image at a time from inference logits, without auxiliary heads.
 */
export class ValidationLoss {
  private constructor(
    private readonly program: Program,
    private readonly labelSize: number,
    private readonly rule: ResizeRule,
  ) {}

  /**
   * @param shape of the logits, 1×C×H×W
   * @param labelSize side at which the loss compares logits and labels, in pixels
   * @param rule how photos become squares, and so their labels
   */
  static async compile(
    engine: Engine,
    shape: readonly number[],
    labelSize: number,
    loss: Config['loss'],
    rule: ResizeRule = 'stretch-area-bilinear',
  ): Promise<ValidationLoss> {
    const graph = new Graph();
    const logits = graph.input('logits', shape);
    const labels = graph.input('labels', [1, labelSize, labelSize], 'int32');
    graph.output('loss', combinedLoss(resize(logits, labelSize, labelSize), labels, loss).total);
    return new ValidationLoss(await engine.compile(graph), labelSize, rule);
  }

  /** The loss of one image: its logits, C×H×W, against its label map, which becomes a square by nearest neighbour. */
  async measure(logits: Float32Array, truth: LabelMap): Promise<number> {
    const { data } = squareLabels(truth, this.labelSize, this.rule);
    const { loss } = await this.program.run({ logits, labels: new Int32Array(data) });
    return loss[0];
  }

  dispose(): Promise<void> {
    return this.program.dispose();
  }
}
