// Runs the audits of GraphQL over HTTP, as `graphql-http` publishes them, against a server, and prints what is not fulfilled.
//
//   node audits.mjs URL
import { serverAudits } from 'graphql-http';

const [url] = process.argv.slice(2);
const audits = serverAudits({ url, fetchFn: fetch });
let fulfilled = 0;
for (const audit of audits) {
  const result = await audit.fn();
  if (result.status === 'ok') {
    fulfilled += 1;
  } else {
    console.log(`${result.status}: ${audit.id} ${audit.name}: ${result.reason}`);
  }
}
console.log(`${fulfilled} of ${audits.length} audits are fulfilled`);
