// Events of one repository, of which more are read backwards, and those that are recorded meanwhile.
import { graphql } from 'relay-runtime';

export const events = graphql`
  query EventsQuery($id: ID!) {
    node(id: $id) {
      __typename
      ...Events_list @alias
    }
  }
`;

export const list = graphql`
  fragment Events_list on Repository
  @argumentDefinitions(count: { type: "Int", defaultValue: 20 }, cursor: { type: "String" })
  @refetchable(queryName: "EventsListPaginationQuery") {
    events(last: $count, before: $cursor) @connection(key: "Events_events") {
      edges {
        node {
          type
          time
          resource {
            name
          }
        }
      }
    }
  }
`;

export const recorded = graphql`
  subscription EventsRecordedSubscription {
    eventsRecorded {
      events(first: 5) {
        nodes {
          id
          name
        }
      }
    }
  }
`;

export const sync = graphql`
  mutation EventsSyncAllMutation {
    syncAll {
      job {
        id
        state
      }
    }
  }
`;
