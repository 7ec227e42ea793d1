// Runs one command of the built command line after another in this process, which loads the modules once. Takes messages
// { words, cwd }, answers { code, stdout, stderr }; see `askCli` in run-cli.ts.
import { pathToFileURL } from 'node:url';

const [, , cli] = process.argv;
const home = process.cwd();
let count = 0;
let finish = () => {};

// main.ts ends its process 3 s after a command; here other commands follow.
process.exit = (code) => {
  if (code !== undefined) finish(code);
};

function capture(stream) {
  const parts = [];
  stream.write = (chunk, encoding, callback) => {
    parts.push(Buffer.from(chunk));
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) queueMicrotask(done);
    return true;
  };
  return () => Buffer.concat(parts).toString();
}

process.on('message', async ({ words, cwd }) => {
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)];
  process.chdir(cwd ?? home);
  process.argv = [process.execPath, cli, ...words];
  process.exitCode = undefined;
  const ended = new Promise((resolve) => {
    finish = resolve;
  });
  const run = import(`${pathToFileURL(cli).href}?${count++}`).then(() => process.exitCode ?? 0);
  const code = await Promise.race([run, ended]);
  process.removeAllListeners('uncaughtException');
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error');
  process.send({ code, stdout: stdout(), stderr: stderr() });
});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
