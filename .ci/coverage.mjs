// Prints the line coverage of each room (a folder or file of src) from an lcov file, names the lines that no test runs where
// they are many, and fails when a core room is below the limit. `make coverage` calls it; docs/testing.md says why some
// lines are not covered. Code of tests is left out: modules for tests stand last in their files.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const LIMIT = 80;
const CORE = ['model', 'git', 'manifest', 'scan', 'store', 'pipeline', 'graphql'];
// Lines of files below this share are named.
const NAMED_BELOW = 90;

/** The files of src: `{ name, lines, missed }`, where `missed` holds numbers of lines. */
function filesOf(lcov) {
  const root = path.resolve('src') + path.sep;
  const files = [];
  for (const record of lcov.split('end_of_record\n')) {
    const file = /^SF:(.+)$/m.exec(record)?.[1];
    if (!file?.startsWith(root) || file.endsWith('/tests.rs')) continue;
    const end = readFileSync(file, 'utf8').split('\n').indexOf('#[cfg(test)]');
    const runs = [...record.matchAll(/^DA:(\d+),(\d+)/gm)].map(([, line, count]) => [Number(line), Number(count)]);
    const code = runs.filter(([line]) => end < 0 || line <= end);
    files.push({
      name: file.slice(root.length),
      lines: code.length,
      missed: code.filter(([, count]) => count === 0).map(([line]) => line),
    });
  }
  return files;
}

const share = ({ lines, missed }) => (lines === 0 ? 100 : 100 * (1 - missed.length / lines));

/** `[3, 4, 5, 9]` as `3-5 9`. */
function ranges(numbers) {
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(' ');
}

function print(name, of, rest = '') {
  console.log(`${name.padEnd(34)} ${String(of.lines).padStart(6)} ${share(of).toFixed(1).padStart(6)} %  ${rest}`.trimEnd());
}

const files = filesOf(readFileSync(process.argv[2], 'utf8'));
const rooms = new Map();
for (const file of files) {
  const room = file.name.split(/[/.]/)[0];
  rooms.set(room, [...(rooms.get(room) ?? []), file]);
}
const sum = (some) => ({ lines: some.reduce((all, { lines }) => all + lines, 0), missed: some.flatMap(({ missed }) => missed) });

console.log('line coverage by room');
for (const room of [...rooms.keys()].sort()) print(room, sum(rooms.get(room)), CORE.includes(room) ? 'core' : '');
print('all', sum(files));

console.log(`\nfiles below ${NAMED_BELOW} %, and the lines that nothing runs`);
const low = files.filter((file) => share(file) < NAMED_BELOW).sort((one, other) => share(one) - share(other));
for (const file of low) print(file.name, file, ranges(file.missed));

const failed = CORE.filter((room) => !rooms.has(room) || share(sum(rooms.get(room))) < LIMIT);
if (failed.length > 0) {
  console.error(`\nbelow ${LIMIT} %: ${failed.join(', ')}`);
  process.exitCode = 1;
}
