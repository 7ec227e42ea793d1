// npm run bench: the comparison of one network with PyTorch; --zoo: the networks of the zoo; --predict: the command on many
// photos; --any-photo: photos that are not aligned; --video: how steady labels are over time.
const others = {
  '--zoo': './zoo.mjs',
  '--predict': './predict.mjs',
  '--any-photo': './any-photo/main.mjs',
  '--video': './video.mjs',
};
const [option] = Object.keys(others).filter((name) => process.argv.includes(name));
await import(others[option] ?? './training-step.mjs');
