-- name: insert
INSERT INTO common_tasks (id, description, image, variables, options, namespaces, enabled, created_at, created_by,
                          modified_at, modified_by)
VALUES (:id, :description, :image, :variables, :options, :namespaces, :enabled, :created_at, :created_by,
        :modified_at, :modified_by)
ON CONFLICT DO NOTHING;

-- name: update
UPDATE common_tasks
SET description = :description, image = :image, variables = :variables, options = :options, namespaces = :namespaces,
    enabled = :enabled, modified_at = :modified_at, modified_by = :modified_by
WHERE id = :id;

-- name: get
SELECT id, description, image, variables, options, namespaces, enabled, created_at, created_by, modified_at, modified_by
FROM common_tasks WHERE id = ?;

-- name: all
SELECT id, description, image, variables, options, namespaces, enabled, created_at, created_by, modified_at, modified_by
FROM common_tasks ORDER BY id;

-- name: delete
DELETE FROM common_tasks WHERE id = ?;

-- name: retire_secrets
UPDATE common_task_secrets SET until = ? WHERE common_task = ? AND until IS NULL;

-- name: use_secret
INSERT INTO common_task_secrets (common_task, secret) VALUES (?, ?)
ON CONFLICT DO UPDATE SET until = NULL;

-- name: secrets_since
SELECT secret FROM common_task_secrets WHERE common_task = ? AND (until IS NULL OR until >= ?);

-- name: users
SELECT p.namespace, p.id
FROM pipelines AS p
LEFT JOIN deployments AS d INDEXED BY deployments_under_way ON d.pipeline_key = p.key AND d.status = 'running'
JOIN versions AS v ON v.pipeline_key = p.key AND v.number IN (p.live_version, d.to_version)
WHERE EXISTS (SELECT 1 FROM json_each(v.manifest, '$.tasks') AS t WHERE json_extract(t.value, '$.common_task') = :id)
   OR EXISTS (SELECT 1 FROM json_each(v.manifest, '$.notifiers') AS n WHERE json_extract(n.value, '$.common_task') = :id)
GROUP BY p.key
ORDER BY p.namespace, p.id;
