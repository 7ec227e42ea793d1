/** Purpose of each package, printed after its name; packages without an entry are listed without one. */
export const packagePurposes: Readonly<Record<string, string>> = {
  '@expo-google-fonts/arimo': 'the font of the report',
  '@myriaddreamin/typst-ts-node-compiler': 'typesets the report',
  commander: 'reads the command line',
  echarts: 'draws the charts',
  fflate: 'zip and deflate',
  'node-addon-api': 'binds the C++ engine',
  'onnxruntime-node': 'runs networks (engine onnx)',
  sharp: 'decodes images',
  yaml: 'reads configurations',
  yauzl: 'reads zips',
  zod: 'checks configurations',
};
