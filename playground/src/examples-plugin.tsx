import { pick, useGraphiQL, useGraphiQLActions, type GraphiQLPlugin } from '@graphiql/react';
import { examples, type Example } from './examples';

/** The side bar's list of example queries; a click opens one in a tab and runs it. */
export const examplesPlugin: GraphiQLPlugin = {
  title: 'Examples',
  icon: ExamplesIcon,
  content: ExamplesList,
};

function ExamplesList() {
  const openExample = useOpenExample();
  return (
    <section className="examples" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <p>A click opens the query in a tab and runs it. Change it as you like: the list keeps the original.</p>
      <ol>
        {examples.map((example) => (
          <li key={example.operationName}>
            <button type="button" onClick={() => openExample(example)}>
              <strong>{example.title}</strong>
              <span>{example.description}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function useOpenExample() {
  const { addTab, changeTab, run, setOperationName, updateActiveTabValues } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(pick('tabs', 'queryEditor', 'variableEditor'));

  return ({ query, variables, operationName }: Example) => {
    const openTab = tabs.findIndex((tab) => tab.query === query && (tab.variables ?? '') === variables);
    if (openTab >= 0) {
      changeTab(openTab);
    } else {
      addTab();
      queryEditor?.setValue(query);
      variableEditor?.setValue(variables);
      updateActiveTabValues({ query, variables });
    }
    // GraphiQL notices the new operation a moment later; without this line it would run under the former tab's name.
    setOperationName(operationName);
    void run();
  };
}

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
      <path d="M9 18.5h6M10 21.5h4M8.5 15.5a7 7 0 1 1 7 0v.5h-7Z" />
    </svg>
  );
}
