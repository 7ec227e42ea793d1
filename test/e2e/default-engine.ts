import { findNative } from '../../src/engine/native/node.ts';

/** What `auto` means here. */
export const defaultEngine = findNative().available ? 'native' : 'onnx';
