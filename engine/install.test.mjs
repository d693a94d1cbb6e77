// The installer as a user runs it, in a folder of its own: a small "library", a table that names its hash, and an `npm` on
// the PATH that puts it where npm would. No network.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const INSTALLER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'install.mjs');
const PLATFORM = `${process.platform}-${process.arch}`;
const LIBRARY = 'the bytes of a library';
const PACKAGE = '@chdb/lib-for-this-machine';

// What npm does here, by the name that a test gives; each call leaves a file in $CALLS.
const NPM = `#!/bin/sh
touch "$CALLS/$$"
put() { mkdir -p "node_modules/${PACKAGE}" && printf %s "$1" > "node_modules/${PACKAGE}/libchdb.so"; }
case "$NPM_DOES" in
  right) put '${LIBRARY}' ;;
  wrong) put 'something else' ;;
  nothing) mkdir -p "node_modules/${PACKAGE}" ;;
  together) put '${LIBRARY}'; until [ "$(ls "$CALLS" | wc -l)" -ge 2 ]; do :; done ;;
  integrity) echo 'npm error code EINTEGRITY' >&2; exit 1 ;;
  offline) echo 'npm error code ENOTFOUND' >&2; exit 1 ;;
esac
`;

let root;
let cache;
let calls;
let folder;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'kubestats-install-'));
  cache = path.join(root, 'cache');
  calls = path.join(root, 'calls');
  folder = path.join(cache, `1.2.3-${PLATFORM}`);
  for (const name of ['bin', 'calls', `engine/${PLATFORM}`]) mkdirSync(path.join(root, name), { recursive: true });
  copyFileSync(INSTALLER, path.join(root, 'engine/install.mjs'));
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) writeFileSync(path.join(root, 'engine', PLATFORM, name), '');
  lock({ [PLATFORM]: sha256(LIBRARY) });
  writeFileSync(path.join(root, 'bin/npm'), NPM);
  chmodSync(path.join(root, 'bin/npm'), 0o755);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Writes the table: hashes by platform. */
function lock(hashes) {
  const platforms = Object.fromEntries(
    Object.entries(hashes).map(([platform, hash]) => [platform, { package: PACKAGE, sha256: hash }]),
  );
  const table = { version: '1.2.3', library: 'libchdb.so', platforms };
  writeFileSync(path.join(root, 'engine/platforms.json'), JSON.stringify(table));
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** Runs the installer to its end. */
async function install(npmDoes) {
  const env = { ...process.env, KUBESTATS_ENGINE_CACHE: cache, CALLS: calls, NPM_DOES: npmDoes };
  env.PATH = `${path.join(root, 'bin')}${path.delimiter}${env.PATH}`;
  const child = spawn(process.execPath, [path.join(root, 'engine/install.mjs')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ran = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (ran[name] += text));
  [ran.status] = await once(child, 'close');
  return ran;
}

const library = () => readFileSync(path.join(folder, 'libchdb.so'), 'utf8');
const npmCalls = () => readdirSync(calls).length;
/** What lies in the cache folder, the hidden ones too. */
const left = () => (existsSync(cache) ? readdirSync(cache) : []);

test('installs once: a second run fetches and prints nothing', async () => {
  const first = await install('right');
  assert.equal(first.status, 0, first.stderr);
  assert.equal(library(), LIBRARY);
  assert.deepEqual(await install('right'), { stdout: '', stderr: '', status: 0 });
  assert.equal(npmCalls(), 1);
  assert.deepEqual(left(), [path.basename(folder)]);
});

test('a library with another hash is not installed, and both hashes are named', async () => {
  const ran = await install('wrong');
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /Wrong hash of libchdb\.so .* nothing was installed/);
  assert.ok(ran.stderr.includes(sha256(LIBRARY)) && ran.stderr.includes(sha256('something else')), ran.stderr);
  assert.deepEqual(left(), []);
});

test('a package without the library is refused', async () => {
  const ran = await install('nothing');
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /The package has no libchdb\.so .* nothing was installed/);
  assert.deepEqual(left(), []);
});

for (const [what, hashes] of [
  ['that the table does not name', {}],
  ['that has no hash', { [PLATFORM]: null }],
]) {
  test(`a platform ${what} is told of the other way, and nothing is fetched`, async () => {
    lock({ 'plan9-vax': 'ab', ...hashes });
    const ran = await install('right');
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, new RegExp(`No embedded engine is locked for ${PLATFORM}; there is one for: plan9-vax\\.`));
    assert.match(ran.stderr, /KUBESTATS_CLICKHOUSE__URL=/);
    assert.equal(npmCalls(), 0);
  });
}

for (const [what, damage] of [
  ['was cut short', () => writeFileSync(path.join(folder, 'libchdb.so'), LIBRARY.slice(0, 5))],
  ['was written anew', () => utimesSync(path.join(folder, 'libchdb.so'), 1, 1)],
  ['is gone', () => rmSync(path.join(folder, 'libchdb.so'))],
  ['has no stamp', () => rmSync(path.join(folder, 'stamp.json'))],
]) {
  test(`a library that ${what} is installed anew`, async () => {
    await install('right');
    damage();
    const ran = await install('right');
    assert.equal(ran.status, 0, ran.stderr);
    assert.equal(library(), LIBRARY);
    assert.equal(npmCalls(), 2);
    assert.deepEqual(left(), [path.basename(folder)]);
  });
}

test('two runs at once both succeed and leave one library', async () => {
  const both = await Promise.all([install('together'), install('together')]);
  assert.deepEqual(both.map((ran) => ran.status), [0, 0], JSON.stringify(both));
  assert.equal(npmCalls(), 2);
  assert.equal(library(), LIBRARY);
  assert.deepEqual(left(), [path.basename(folder)]);
  assert.deepEqual(await install('right'), { stdout: '', stderr: '', status: 0 });
});

test('a package that npm refuses is called what it is', async () => {
  const ran = await install('integrity');
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /not the locked one \(EINTEGRITY\); nothing was installed/);
  assert.deepEqual(left(), []);
});

test('without the network the old library stays', async () => {
  await install('right');
  writeFileSync(path.join(folder, 'stamp.json'), '');
  const ran = await install('offline');
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /npm could not fetch the engine; nothing was installed\.\n.*ENOTFOUND/);
  assert.equal(library(), LIBRARY);
});

test('what a killed run left is cleared after an hour, and not before', async () => {
  const [old, young] = ['.installing-old', '.installing-young'].map((name) => path.join(cache, name));
  for (const name of [old, young]) mkdirSync(name, { recursive: true });
  const twoHoursAgo = Date.now() / 1000 - 7200;
  utimesSync(old, twoHoursAgo, twoHoursAgo);
  const ran = await install('right');
  assert.equal(ran.status, 0, ran.stderr);
  assert.deepEqual(left().sort(), ['.installing-young', path.basename(folder)]);
});
