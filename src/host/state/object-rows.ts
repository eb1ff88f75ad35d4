/** Objects in the state database: those of the manifests, and what controllers made and remember. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { KubeError } from '../../diagnostic.ts'
import type { ObjectOrigin, ObjectRecord, StatePort } from '../../engine/ports.ts'
import { type Statement, transaction } from './database.ts'

export interface ObjectRows
  extends Pick<StatePort, 'objects' | 'checkObjects' | 'putObjects' | 'putObject' | 'removeObject' | 'setProgress'> {
  /** Forgets every object of an app. The caller's transaction makes it whole. */
  removeAll(app: string): void
}

type Progress = NonNullable<ObjectRecord['progress']>

type Row = Record<string, SQLOutputValue>

const SELECT = `SELECT object.*, workload.owner, workload.origin, workload.progress
  FROM object LEFT JOIN workload ON workload.uid = object.uid
  WHERE (?1 IS NULL OR app = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR namespace = ?3)
  AND (?4 = 1 OR workload.owner IS NULL) ORDER BY object.rowid`

/** What somebody made whose owner is gone. Its own children are the next round's. */
const ORPHANS = `DELETE FROM object WHERE uid IN (
  SELECT uid FROM workload WHERE owner IS NOT NULL AND owner NOT IN (SELECT uid FROM object))`

/** A CronJob's Job has no more than pods below it, so two rounds reach everything. */
const ROUNDS = 2

export function openObjectRows(db: DatabaseSync, sql: (text: string) => Statement): ObjectRows {
  function insert(o: ObjectRecord): void {
    sql('INSERT INTO object VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
      o.kind,
      o.namespace,
      o.name,
      o.app,
      o.apiVersion,
      o.uid,
      o.createdAt,
      JSON.stringify(o.value),
    )
    if (o.owner === undefined && o.origin === undefined && o.progress === undefined) return
    sql(
      `INSERT INTO workload VALUES (?, ?, ?, ?) ON CONFLICT (uid) DO UPDATE
       SET owner = excluded.owner, origin = excluded.origin, progress = coalesce(excluded.progress, progress)`,
    ).run(o.uid, o.owner ?? null, json(o.origin), json(o.progress))
  }

  function forgetOrphans(): void {
    for (let round = 0; round < ROUNDS; round++) sql(ORPHANS).run()
    sql('DELETE FROM workload WHERE uid NOT IN (SELECT uid FROM object)').run()
  }

  function checkOwner(object: ObjectRecord): void {
    const other = sql('SELECT app FROM object WHERE kind = ? AND namespace = ? AND name = ? AND app <> ?').get(
      object.kind,
      object.namespace,
      object.name,
      object.app,
    )
    if (other) throw ownedError(object, String(other.app))
  }

  return {
    objects(filter = {}) {
      const { app, kind, namespace, made } = filter
      return sql(SELECT)
        .all(app ?? null, kind ?? null, namespace ?? null, made ? 1 : 0)
        .map(objectOf)
    },
    checkObjects: objects => objects.forEach(checkOwner),
    putObjects(app, objects) {
      transaction(db, () => {
        for (const object of objects) checkOwner(object)
        sql('DELETE FROM object WHERE app = ? AND uid NOT IN (SELECT uid FROM workload WHERE owner IS NOT NULL)').run(
          app,
        )
        for (const object of objects) {
          sql('DELETE FROM object WHERE kind = ? AND namespace = ? AND name = ?').run(
            object.kind,
            object.namespace,
            object.name,
          )
          insert(object)
        }
        forgetOrphans()
      })
    },
    putObject(object) {
      transaction(db, () => {
        checkOwner(object)
        const known = sql('SELECT uid FROM object WHERE kind = ? AND namespace = ? AND name = ?').get(
          object.kind,
          object.namespace,
          object.name,
        )
        if (known && String(known.uid) === object.uid) {
          sql('UPDATE object SET value = ? WHERE uid = ?').run(JSON.stringify(object.value), object.uid)
          return
        }
        if (known) sql('DELETE FROM object WHERE uid = ?').run(known.uid!)
        insert(object)
        if (known) forgetOrphans()
      })
    },
    removeObject(uid) {
      transaction(db, () => {
        sql('DELETE FROM object WHERE uid = ?').run(uid)
        forgetOrphans()
      })
    },
    setProgress(uid, progress) {
      sql(
        `INSERT INTO workload (uid, progress) SELECT uid, ?2 FROM object WHERE uid = ?1
         ON CONFLICT (uid) DO UPDATE SET progress = excluded.progress`,
      ).run(uid, JSON.stringify(progress))
    },
    removeAll(app) {
      sql('DELETE FROM object WHERE app = ?').run(app)
      sql('DELETE FROM workload WHERE uid NOT IN (SELECT uid FROM object)').run()
    },
  }
}

function json(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

function ownedError(object: ObjectRecord, app: string): KubeError {
  return new KubeError(
    'ObjectOwned',
    `${object.kind} ${object.namespace}/${object.name} already belongs to app ${app}`,
    {
      hint: `\`--app ${app}\` plays this as that app, \`kube down ${app}\` removes that app, -n plays into another namespace`,
    },
  )
}

/** Its value is read where it is needed: most who look for some objects need not what all the others hold. */
function objectOf(row: Row): ObjectRecord {
  const text = String(row.value)
  return {
    app: String(row.app),
    apiVersion: String(row.api_version),
    kind: String(row.kind),
    namespace: String(row.namespace),
    name: String(row.name),
    uid: String(row.uid),
    createdAt: String(row.created_at),
    get value() {
      const value = JSON.parse(text) as object
      Object.defineProperty(this, 'value', { value, enumerable: true })
      return value
    },
    ...(row.owner === null ? {} : { owner: String(row.owner) }),
    ...(row.origin === null ? {} : { origin: JSON.parse(String(row.origin)) as ObjectOrigin }),
    ...(row.progress === null ? {} : { progress: JSON.parse(String(row.progress)) as Progress }),
  }
}
