-- What repositories are about: their topics, and the languages of their newest snapshots with the bytes of each.
SELECT 'TOPIC' AS type, topic AS name, count() AS repositories, toUInt64(0) AS bytes
FROM repositories FINAL
ARRAY JOIN arrayDistinct(topics) AS topic
GROUP BY name
UNION ALL
SELECT 'LANGUAGE' AS type, toString(language.1) AS name, count() AS repositories, sum(language.2) AS bytes
FROM repositories FINAL
ARRAY JOIN tupleElement(metrics[1], 8) AS language
GROUP BY name
ORDER BY type, repositories DESC, name
