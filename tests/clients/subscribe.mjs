// Subscribes as most clients do, with `graphql-ws`, and prints each answer on a line of its own. The first line, `subscribed`, comes when
// the server answers what was sent after the subscription: it has begun.
//
//   node subscribe.mjs URL DOCUMENT VARIABLES
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, query, variables] = process.argv.slice(2);
const client = createClient({ url, webSocketImpl: WebSocket, lazy: false, retryAttempts: 0, onNonLazyError: fail });

function fail(error) {
  console.error(error);
  process.exit(1);
}

client.subscribe(
  { query, variables: JSON.parse(variables) },
  { next: (answer) => console.log(JSON.stringify(answer)), error: fail, complete: () => process.exit(0) },
);
client.subscribe(
  { query: '{ __typename }' },
  { next: () => console.log('subscribed'), error: fail, complete: () => {} },
);
