// What a page written with Relay asks: a list that is read on by pages, and one thing that is fetched again by its id.
import { graphql } from 'relay-runtime';

export const repositories = graphql`
  query RepositoriesQuery($count: Int!, $filter: RepositoryFilter) {
    ...Repositories_list @arguments(count: $count, filter: $filter)
  }
`;

export const list = graphql`
  fragment Repositories_list on Query
  @argumentDefinitions(count: { type: "Int!" }, cursor: { type: "String" }, filter: { type: "RepositoryFilter" })
  @refetchable(queryName: "RepositoriesListPaginationQuery") {
    repositories(first: $count, after: $cursor, filter: $filter) @connection(key: "Repositories_repositories") {
      edges {
        node {
          ...Repositories_row
        }
      }
    }
  }
`;

export const row = graphql`
  fragment Repositories_row on Repository @refetchable(queryName: "RepositoriesRowRefetchQuery") {
    fullName
    resourceCount
  }
`;
