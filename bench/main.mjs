// npm run bench: the comparison of one network with PyTorch, with --zoo of the networks of the zoo, with --predict the command.
const asked = process.argv.includes('--zoo')
  ? './zoo.mjs'
  : process.argv.includes('--predict')
    ? './predict.mjs'
    : './training-step.mjs';
await import(asked);
