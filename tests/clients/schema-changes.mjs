// Tells how schema.graphql differs from the one of another commit, what breaks clients first.
//
//   node tests/clients/schema-changes.mjs COMMIT
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [commit] = process.argv.slice(2);
const before = execFileSync('git', ['show', `${commit}:schema.graphql`], { encoding: 'utf8' });
const after = readFileSync('schema.graphql', 'utf8');
const changes = await diff(buildSchema(before), buildSchema(after));
for (const [level, title] of [['BREAKING', 'breaking'], ['DANGEROUS', 'dangerous'], ['NON_BREAKING', 'harmless']]) {
  const found = changes.filter((change) => change.criticality.level === level);
  console.log(`  ${title}: ${found.length}`);
  if (level === 'NON_BREAKING') continue;
  for (const change of found) console.log(`    ${change.message}`);
}
