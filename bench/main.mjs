// npm run bench: the comparison of one network with PyTorch, or with --zoo the networks of the zoo.
await import(process.argv.includes('--zoo') ? './zoo.mjs' : './training-step.mjs');
