// Installs the embedded engine's library, libchdb, into the user's cache folder: `make setup` calls this.
//
// One folder a version and platform, shared by all clones: <cache>/<version>-<platform>/libchdb.so. The program looks
// there (src/store/engine/library.rs). A second run reads a small stamp instead of hashing 566 MB again.
//
// Node 20 or newer, no dependencies.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TABLE = JSON.parse(readFileSync(path.join(HERE, 'platforms.json'), 'utf8'));
const STAMP = 'stamp.json';
// An unfinished folder older than this belongs to an installation that was killed.
const ABANDONED_MS = 60 * 60 * 1000;

class InstallError extends Error {}

async function main() {
  const platform = `${process.platform}-${process.arch}`;
  const entry = TABLE.platforms[platform];
  if (!entry?.sha256) throw new InstallError(unsupported(platform));

  const cache = cacheFolder();
  const folder = path.join(cache, `${TABLE.version}-${platform}`);
  if (await isInstalled(folder, entry.sha256)) return;
  if (isMusl()) throw new InstallError(unsupported(`${platform} without glibc`));

  await mkdir(cache, { recursive: true, mode: 0o700 });
  await removeAbandoned(cache);
  const work = await mkdtemp(path.join(cache, '.installing-'));
  const removeNow = () => spawnSync('rm', ['-rf', work]);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      removeNow();
      process.exit(1);
    });
  }
  try {
    console.log(`Installing the embedded engine ${TABLE.version} for ${platform} (178 MB to fetch, 566 MB on disk) ...`);
    await fetchPackage(path.join(HERE, platform), work);
    const ready = await prepare(work, entry);
    await moveIntoPlace(ready, folder, entry.sha256);
    console.log(`Installed ${path.join(folder, TABLE.library)}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** `$KUBESTATS_ENGINE_CACHE`, else `kubestats/engine` in the user's cache folder. */
function cacheFolder() {
  const chosen = process.env.KUBESTATS_ENGINE_CACHE;
  if (chosen) return path.resolve(chosen);
  const home = process.env.XDG_CACHE_HOME;
  // The specification says to ignore a relative one.
  const user = home && path.isAbsolute(home) ? home : path.join(homedir(), '.cache');
  return path.join(user, 'kubestats', 'engine');
}

/** The library is linked against glibc; Alpine and the like have another C library. */
function isMusl() {
  return process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
}

function unsupported(platform) {
  const locked = Object.keys(TABLE.platforms).filter((key) => TABLE.platforms[key].sha256);
  return [
    `No embedded engine is locked for ${platform}; there is one for: ${locked.join(', ')}.`,
    'kubestats runs against a ClickHouse server instead: set clickhouse.url in its configuration,',
    'or KUBESTATS_CLICKHOUSE__URL=http://host:8123 in the environment.',
  ].join('\n');
}

/** Whether the library there is the one that was checked when the stamp was written. */
async function isInstalled(folder, sha256) {
  try {
    const stamp = JSON.parse(await readFile(path.join(folder, STAMP), 'utf8'));
    const { size, mtimeMs } = await stat(path.join(folder, TABLE.library));
    return stamp.sha256 === sha256 && stamp.size === size && stamp.mtimeMs === mtimeMs;
  } catch {
    return false;
  }
}

/** Runs `npm ci` on a copy of the manifest; npm checks the integrity hash of the lockfile. */
async function fetchPackage(manifest, work) {
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
    await copyFile(path.join(manifest, file), path.join(work, file));
  }
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const npm = spawnSync('npm', options, { cwd: work, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (npm.error) throw new InstallError(`Cannot run npm: ${npm.error.message}. Node 20 or newer with npm is needed.`);
  if (npm.status === 0) return;
  const output = npm.stderr.trim();
  if (output.includes('EINTEGRITY')) {
    throw new InstallError(`The package fetched is not the locked one (EINTEGRITY); nothing was installed.\n${output}`);
  }
  throw new InstallError(`npm could not fetch the engine; nothing was installed.\n${output}`);
}

/** Checks the library and puts it into a folder of its own with its stamp. */
async function prepare(work, entry) {
  const unpacked = path.join(work, 'node_modules', entry.package, TABLE.library);
  const actual = await hash(unpacked);
  if (actual !== entry.sha256) {
    throw new InstallError(
      `Wrong hash of ${TABLE.library} from ${entry.package} ${TABLE.version}; nothing was installed.\n` +
        `  expected sha256 ${entry.sha256}\n  found    sha256 ${actual}`,
    );
  }
  const ready = path.join(work, 'ready');
  await mkdir(ready);
  const library = path.join(ready, TABLE.library);
  await rename(unpacked, library);
  const { size, mtimeMs } = await stat(library);
  await writeFile(path.join(ready, STAMP), `${JSON.stringify({ sha256: actual, size, mtimeMs })}\n`);
  return ready;
}

async function hash(file) {
  const digest = createHash('sha256');
  try {
    await pipeline(createReadStream(file), digest);
  } catch (error) {
    throw new InstallError(`The package has no ${TABLE.library} (${error.message}); nothing was installed.`);
  }
  return digest.digest('hex');
}

/** Renames the folder into place. An installation that was faster wins: its folder is just as good. */
async function moveIntoPlace(ready, folder, sha256) {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      await rename(ready, folder);
      return;
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY'].includes(error.code)) throw error;
    }
    if (await isInstalled(folder, sha256)) return;
    // Damaged or incomplete: out of the way first, so that nobody sees a half-removed one.
    const old = `${ready}-replaced-${attempt}`;
    await rename(folder, old).catch(ignoreMissing);
  }
  throw new InstallError(`${folder} cannot be replaced.`);
}

async function removeAbandoned(cache) {
  for (const name of await readdir(cache)) {
    if (!name.startsWith('.installing-')) continue;
    const folder = path.join(cache, name);
    const found = await stat(folder).catch(ignoreMissing);
    if (found && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}

function ignoreMissing(error) {
  if (error.code !== 'ENOENT') throw error;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof InstallError ? error.message : error);
  process.exit(1);
}
