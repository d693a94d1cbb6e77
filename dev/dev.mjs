// `make dev`: rebuilds and restarts on change.
//
// The server runs on a data folder of its own (data/dev) at 127.0.0.1:8080. When a Rust or SQL file changes, cargo builds;
// the old server answers until the new program is there, and goes on when it does not compile. Vite builds the playground
// anew beside it: reload the page. Ctrl-C ends all of it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { watch } from 'chokidar';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const PROGRAM = path.join(process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target'), 'debug', 'kubestats');
const DATA = path.join(ROOT, 'data', 'dev');
const SOURCES = ['src', 'clickhouse/migrations', 'clickhouse/queries', 'Cargo.toml', 'Cargo.lock'];
// An editor that saves several files, or a branch that is switched, is one change.
const QUIET_MS = 200;

/** Children that run, each with the promise of its end. */
const children = new Map();
let stopping = false;

/** Starts a program in a process group of its own, so that the terminal's Ctrl-C reaches it through us alone. */
function start(command, args, options = {}) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], detached: true, ...options });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => {
      say(`${command}: ${error.message}`);
      resolve(1);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  }).finally(() => children.delete(child));
  children.set(child, ended);
  return child;
}

/** Asks a child and what it started to end, and waits for it. */
async function end(child) {
  const ended = children.get(child);
  if (!ended) return;
  try {
    process.kill(-child.pid, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
  await ended;
}

function say(text) {
  console.log(`dev: ${text}`);
}

let server;

async function rebuild() {
  const status = await children.get(start('cargo', ['build', '--locked', '--bin', 'kubestats']));
  if (stopping) return;
  if (status !== 0) {
    say(server && children.has(server) ? 'not built; the old server goes on' : 'not built; waiting for a change');
    return;
  }
  if (server) await end(server);
  if (stopping) return;
  server = start(PROGRAM, ['serve', '--data', DATA, '--listen', '127.0.0.1:8080']);
}

/** Resolves at the next change that is followed by quiet. */
function nextChange(watcher) {
  return new Promise((resolve) => {
    let timer;
    const changed = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        watcher.off('all', changed);
        resolve();
      }, QUIET_MS);
    };
    watcher.on('all', changed);
  });
}

const sources = watch(
  SOURCES.map((name) => path.join(ROOT, name)),
  { ignoreInitial: true },
);

async function stop() {
  if (stopping) return;
  stopping = true;
  await sources.close();
  await Promise.all([...children.keys()].map(end));
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);

start('npm', ['run', '--silent', 'watch'], { cwd: path.join(ROOT, 'playground') });
await once(sources, 'ready');
// kubestats creates the folder itself, but none above it.
mkdirSync(path.dirname(DATA), { recursive: true });
while (!stopping) {
  // Listening begins before the build, so that a change while cargo runs is not missed.
  const change = nextChange(sources);
  await rebuild();
  await change;
}
