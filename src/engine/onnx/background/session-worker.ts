import { parentPort, type Transferable, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import {
  type SessionAnswer,
  type SessionCommand,
  type SessionRequest,
  sharedFlags,
  type TensorMessage,
} from './messages.ts';

const flags = workerData as Int32Array;
const sessions = new Map<number, InferenceSession>();

async function carryOut(command: SessionCommand): Promise<Record<string, TensorMessage>> {
  if (command.kind === 'create') {
    sessions.set(command.session, await InferenceSession.create(command.model, command.options));
    return {};
  }
  const session = sessions.get(command.session);
  if (!session) throw new Error(`session ${command.session} not found`);
  if (command.kind === 'release') {
    sessions.delete(command.session);
    await session.release();
    return {};
  }
  const feeds = Object.entries(command.feeds).map(([name, { type, data, dims }]) => [
    name,
    new Tensor(type, data, dims),
  ]);
  const produced = await session.run(Object.fromEntries(feeds), command.outputs);
  return Object.fromEntries(
    command.outputs.map((name) => {
      const { type, data, dims } = produced[name];
      return [name, { type, data, dims } as TensorMessage];
    }),
  );
}

// Sequentially: ONNX Runtime uses all its threads for each run.
let last: Promise<void> = Promise.resolve();

parentPort!.on('message', ({ id, command }: SessionRequest) => {
  last = last.then(async () => {
    // In this order: who stops us either finds us busy, or we find that we are stopped.
    Atomics.store(flags, sharedFlags.busy, 1);
    try {
      if (Atomics.load(flags, sharedFlags.stopped) === 1) return;
      const outputs = await carryOut(command);
      const buffers = Object.values(outputs).map(({ data }) => data.buffer as Transferable);
      parentPort!.postMessage({ id, outputs } satisfies SessionAnswer, [...new Set(buffers)]);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      parentPort!.postMessage({ id, error: message } satisfies SessionAnswer);
    } finally {
      Atomics.store(flags, sharedFlags.busy, 0);
      Atomics.notify(flags, sharedFlags.busy);
    }
  });
});
