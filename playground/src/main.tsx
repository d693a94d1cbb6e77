import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './style.css';

import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { type DocumentNode, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import { useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { examples } from './examples';
import { examplesPlugin } from './examples-plugin';
import logoUrl from './logo.svg';

/** The document of a query; nothing for one that is wrong, which the server then tells. */
function parsed(query: string): DocumentNode | undefined {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

/** How many examples a newcomer finds open. */
const openedExamples = 3;

// The server sends plain JSON, never a multipart stream; subscriptions go over a socket, which is opened with the first one.
const send = createGraphiQLFetcher({
  url: '/graphql',
  wsClient: createClient({ url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql` }),
  enableIncrementalDelivery: false,
});
// An example runs as soon as its tab opens, when GraphiQL still holds the parsed document of the tab before: what decides between a socket and
// a request is read from the query that is sent.
const fetcher: typeof send = (parameters, options) => send(parameters, { ...options, documentAST: parsed(parameters.query) });
const plugins = [examplesPlugin, explorerPlugin(), HISTORY_PLUGIN];
const defaultHeaders = '{}';
const defaultTabs = examples
  .slice(0, openedExamples)
  .map(({ query, variables }) => ({ query, variables, headers: defaultHeaders }));
// GraphiQL keeps its tabs here. Read before it starts, because it writes them at once.
const isFirstVisit = localStorage.getItem('graphiql:tabState') === null;

/** A newcomer sees data at once: the first tab runs as soon as the editors stand. */
function RunFirstExample() {
  const { run } = useGraphiQLActions();
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor && state.responseEditor));
  useEffect(() => {
    if (isReady) void run();
  }, [isReady, run]);
  return null;
}

/** GraphiQL's styles follow the system by themselves; its editors have to be told when the system changes. */
function FollowSystemTheme() {
  const { setTheme } = useGraphiQLActions();
  const theme = useGraphiQL((state) => state.theme);
  useEffect(() => {
    if (theme !== null) return;
    const systemTheme = matchMedia('(prefers-color-scheme: dark)');
    const followSystem = () => setTheme(null);
    systemTheme.addEventListener('change', followSystem);
    return () => systemTheme.removeEventListener('change', followSystem);
  }, [theme, setTheme]);
  return null;
}

createRoot(document.getElementById('playground')!).render(
  <GraphiQL
    fetcher={fetcher}
    plugins={plugins}
    visiblePlugin={isFirstVisit ? examplesPlugin : undefined}
    defaultTabs={defaultTabs}
    initialVariables={isFirstVisit ? examples[0]?.variables : undefined}
    defaultHeaders={defaultHeaders}
    shouldPersistHeaders={false}
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>
      <a className="kubestats-logo" href="/playground/">
        <img src={logoUrl} alt="" width="24" height="24" />
        kubestats
      </a>
    </GraphiQL.Logo>
    <FollowSystemTheme />
    {isFirstVisit && <RunFirstExample />}
  </GraphiQL>,
);
