// npm run bench: the comparison of one network with PyTorch, with --zoo the networks of the zoo, with --any-photo the test of
// photos that are not aligned.
const chosen = ['zoo', 'any-photo/main'].find((name) => process.argv.includes(`--${name.split('/')[0]}`));
await import(`./${chosen ?? 'training-step'}.mjs`);
