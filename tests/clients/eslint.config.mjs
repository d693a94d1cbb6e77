// What schema.graphql and the playground's queries are held to. Run from the project's root.
import graphql from '@graphql-eslint/eslint-plugin';

const { parser, configs } = graphql;
const parserOptions = { graphQLConfig: { schema: 'schema.graphql', documents: 'playground/queries/*.graphql' } };
const shared = { plugins: { '@graphql-eslint': graphql }, languageOptions: { parser, parserOptions } };

export default [
  {
    ...shared,
    files: ['schema.graphql'],
    rules: {
      ...configs['flat/schema-recommended'].rules,
      ...configs['flat/schema-relay'].rules,
      '@graphql-eslint/require-description': [
        'error',
        {
          types: true,
          DirectiveDefinition: true,
          FieldDefinition: true,
          InputValueDefinition: true,
          EnumValueDefinition: true,
          // The specification's own directives.
          ignoredSelectors: ['DirectiveDefinition > InputValueDefinition'],
        },
      ],
      // Only what can be asked for by its id has one, and not all that is listed can.
      '@graphql-eslint/strict-id-in-types': 'off',
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false, shouldImplementNode: false }],
    },
  },
  {
    ...shared,
    files: ['playground/queries/*.graphql'],
    rules: {
      ...configs['flat/operations-recommended'].rules,
      // They are read by people, who seldom need ids.
      '@graphql-eslint/require-selections': 'off',
      // Dependencies of dependencies of dependencies; the server's own limit is 20.
      '@graphql-eslint/selection-set-depth': ['error', { maxDepth: 10 }],
    },
  },
];
