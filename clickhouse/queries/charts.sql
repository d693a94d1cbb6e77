-- Charts by their identities, with who installs them now. {{columns}} is the row or a count. A rank is one among all charts, whatever the
-- filter: that of most repositories is the first, and of equals that of most releases.
WITH
    published AS ({{published}}),
    (SELECT (groupArray(repository_id), groupArray(published_sequence)) FROM published) AS published_ends,
    by_version AS
    (
        SELECT
            chart, chart_version, min(chart_name) AS version_name, count() AS version_releases,
            groupUniqArray(repository_id) AS version_repositories, groupUniqArray(chart_url) AS version_urls
        FROM ({{installed}})
        WHERE chart != ''
        GROUP BY chart, chart_version
    ),
    charts AS
    (
        SELECT
            toString(chart) AS identity, toString(min(version_name)) AS name,
            arraySort(groupUniqArrayArray(version_urls)) AS urls,
            groupUniqArrayArray(version_repositories) AS repository_ids, uniqExactArray(version_repositories) AS repositories,
            sum(version_releases) AS releases,
            groupArray((chart_version, version_releases, toUInt64(length(version_repositories)))) AS versions
        FROM by_version
        GROUP BY chart
    ),
    ranked AS
    (
        SELECT
            *,
            rank() OVER (ORDER BY repositories DESC, releases DESC) AS rank,
            count() OVER () AS all_charts,
            uniqExactArray(repository_ids) OVER () AS chart_repositories
        FROM charts
    )
SELECT {{columns}} FROM ranked WHERE {{filter}} {{tail}}
