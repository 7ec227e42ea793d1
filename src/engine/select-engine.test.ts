import { expect, it } from 'vitest';
import { selectEngine } from './select-engine.ts';

it.each<[object | null, string]>([
  [{ engine: 'onnx' }, "unknown option 'engine' of selectEngine; available: name, device, threads"],
  [null, 'the options of selectEngine must be an object, not null'],
  [{ name: 'gpu' }, "unknown engine 'gpu'"],
  [{ name: 'native', device: 'webgpu' }, 'the native engine runs only on the CPU'],
  [{ threads: 0 }, 'threads is 0, but must be a positive integer'],
])('refuses %o', async (choice, message) => {
  await expect(selectEngine(choice as object)).rejects.toThrow(message);
  await expect(selectEngine(choice as object)).rejects.toMatchObject({ exitCode: 2 });
});
