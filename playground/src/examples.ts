/** One example query: a file of `queries/`, and the variables that stand beside it. */
export interface Example {
  title: string;
  description: string;
  operationName: string;
  query: string;
  /** JSON text for GraphiQL's variables editor; empty when the query takes none. */
  variables: string;
}

const queryFiles = import.meta.glob<string>('../queries/*.graphql', { query: '?raw', import: 'default', eager: true });
const variableFiles = import.meta.glob<string>('../queries/*.variables.json', { query: '?raw', import: 'default', eager: true });

/** All examples, in the order of their number prefixes. */
export const examples: Example[] = Object.keys(queryFiles)
  .sort()
  .map((path) => readExample(path, queryFiles[path]!, variableFiles[path.replace(/\.graphql$/, '.variables.json')]));

/** The comment at the top of the file is its title (first line) and its description (the other lines). */
function readExample(path: string, text: string, variables = ''): Example {
  const query = text.trim();
  const lines = query.split('\n');
  const comment = lines
    .slice(0, lines.findIndex((line) => !line.startsWith('#')))
    .map((line) => line.replace(/^#\s*/, ''));
  const operationName = /^(?:query|subscription)\s+(\w+)/m.exec(query)?.[1];
  // The operation's name becomes the tab's title.
  if (!comment[0] || !operationName) throw new Error(`${path} needs a "# Title" line and a named query or subscription`);
  return {
    title: comment[0],
    description: comment.slice(1).join(' ').trim(),
    operationName,
    query,
    variables: variables.trim(),
  };
}
