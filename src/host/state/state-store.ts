/** The records, in SQLite. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { KubeError } from '../../diagnostic.ts'
import type { AppRecord, ContainerRecord, PodCondition, PodFailure, PodRecord, StatePort } from '../../engine/ports.ts'
import type { ContainerLifecycle } from '../../reconcile/lifecycle.ts'
import type { Subnet } from '../network/subnet.ts'
import { identityOf, isAlive, pidOf } from '../sys/process-identity.ts'
import { backUp } from './backup.ts'
import { openDatabase, statementsOf, transaction } from './database.ts'
import { openDoomedRows } from './doomed-rows.ts'
import { eventOf, openEventWriter } from './event-rows.ts'
import { openLeaseRows } from './lease-rows.ts'
import { openObjectRows } from './object-rows.ts'
import { openPlanTexts } from './plan-texts.ts'
import { keepReserve, releaseReserve } from './reserve.ts'

const VERSION = 6

const SCHEMA = `
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS app (name TEXT PRIMARY KEY, source TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS object (
  kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, app TEXT NOT NULL,
  api_version TEXT NOT NULL, uid TEXT NOT NULL, created_at TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (kind, namespace, name)) STRICT;
CREATE TABLE IF NOT EXISTS pod (
  uid TEXT PRIMARY KEY, app TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, plan TEXT NOT NULL,
  removing INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, address TEXT UNIQUE, infra TEXT, builder TEXT, failure TEXT,
  UNIQUE (namespace, name)) STRICT;
CREATE TABLE IF NOT EXISTS container (
  pod TEXT NOT NULL REFERENCES pod ON DELETE CASCADE, name TEXT NOT NULL, id TEXT NOT NULL, attempt INTEGER NOT NULL,
  image_id TEXT NOT NULL, created_at TEXT NOT NULL, started_at TEXT, process TEXT, lifecycle TEXT,
  PRIMARY KEY (pod, name)) STRICT;
CREATE TABLE IF NOT EXISTS port (
  protocol TEXT NOT NULL, host_port INTEGER NOT NULL, host_ip TEXT NOT NULL, container_port INTEGER NOT NULL,
  container TEXT NOT NULL, pod TEXT NOT NULL REFERENCES pod ON DELETE CASCADE,
  PRIMARY KEY (protocol, host_port, host_ip)) STRICT;
CREATE TABLE IF NOT EXISTS event (
  serial INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  uid TEXT NOT NULL, field_path TEXT, type TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
  count INTEGER NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS event_uid ON event (uid);
CREATE TABLE IF NOT EXISTS workload (uid TEXT PRIMARY KEY, owner TEXT, origin TEXT, progress TEXT) STRICT;
CREATE TABLE IF NOT EXISTS stopped (pod TEXT PRIMARY KEY REFERENCES pod ON DELETE CASCADE) STRICT;
CREATE TABLE IF NOT EXISTS runs_as (
  pod TEXT NOT NULL REFERENCES pod ON DELETE CASCADE, container TEXT NOT NULL, user TEXT NOT NULL,
  PRIMARY KEY (pod, container)) STRICT;
CREATE TABLE IF NOT EXISTS ended (pod TEXT PRIMARY KEY REFERENCES pod ON DELETE CASCADE, address TEXT) STRICT;
CREATE TABLE IF NOT EXISTS condition (
  pod TEXT NOT NULL REFERENCES pod ON DELETE CASCADE, type TEXT NOT NULL, value TEXT NOT NULL,
  PRIMARY KEY (pod, type)) STRICT;
CREATE TABLE IF NOT EXISTS doomed (namespace TEXT NOT NULL, claim TEXT NOT NULL, PRIMARY KEY (namespace, claim)) STRICT;
CREATE TABLE IF NOT EXISTS wish (app TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS claim (app TEXT PRIMARY KEY, holder TEXT NOT NULL) STRICT;
`

/** How long events are told, in milliseconds. Source: kube-apiserver --event-ttl. */
const EVENT_LIFE_MS = 3_600_000

const NONE: ReadonlySet<string> = new Set()

const SELECT_CONTAINER =
  'SELECT container.*, runs_as.user FROM container LEFT JOIN runs_as ON runs_as.pod = container.pod AND runs_as.container = container.name'

const SELECT_POD = `SELECT pod.*, stopped.pod AS stopped, ended.pod AS ended, ended.address AS old_address,
  (SELECT json_group_array(json(value) ORDER BY condition.rowid) FROM condition WHERE condition.pod = pod.uid) AS conditions FROM pod
  LEFT JOIN stopped ON stopped.pod = pod.uid LEFT JOIN ended ON ended.pod = pod.uid`

type Row = Record<string, SQLOutputValue>

/** Opening takes room as well. */
function openWithReserve(path: string, reserve: string | undefined): DatabaseSync {
  if (reserve === undefined) return openDatabase(path, VERSION, SCHEMA)
  let db: DatabaseSync
  try {
    db = openDatabase(path, VERSION, SCHEMA)
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 'NoSpace' || !releaseReserve(reserve)) throw error
    return openDatabase(path, VERSION, SCHEMA)
  }
  keepReserve(reserve)
  return db
}

export interface StateStore extends StatePort {
  /** Events are gathered for a moment: what a command says in its last one is written by this. */
  writeEvents(): void
  /** Makes a backup of what changed, unless the last one is younger than so many milliseconds. */
  backUp(youngMs: number): void
  setting(name: string): string | undefined
  /** Writes it unless it is there; returns what is there then. */
  ensureSetting(name: string, value: () => string): string
  close(): void
}

export interface StateOptions {
  /** The network the pods' addresses come from. Asked once, when the first is needed. */
  readonly subnet: () => Subnet
  readonly now: () => string
  /** Where room for removals on a full disk is kept. Default: none is. */
  readonly reserve?: string
}

export function openState(path: string, options: StateOptions): StateStore {
  const db = openWithReserve(path, options.reserve)
  const sql = statementsOf(db)
  const events = openEventWriter(db, sql)
  const leases = openLeaseRows(sql, { subnet: options.subnet, setting: name => store.setting(name) })
  const objects = openObjectRows(db, sql)
  const plans = openPlanTexts()
  const { spareClaims, ...doomed } = openDoomedRows({ db, sql, pods: () => store.pods() })
  const self = identityOf(process.pid)!

  function recordOf(row: Row, containers: Readonly<Record<string, ContainerRecord>>): PodRecord {
    return {
      uid: String(row.uid),
      app: String(row.app),
      plan: plans.read(String(row.uid), String(row.plan)),
      removing: row.removing === 1,
      createdAt: String(row.created_at),
      ...(row.address === null ? {} : { address: String(row.address) }),
      ...(row.infra === null ? {} : { infra: String(row.infra) }),
      ...(row.failure === null ? {} : { failure: JSON.parse(String(row.failure)) as PodFailure }),
      ...(row.stopped === null ? {} : { stopped: true }),
      ...(row.conditions === '[]' ? {} : { conditions: JSON.parse(String(row.conditions)) as PodCondition[] }),
      ...(row.ended === null ? {} : { ended: row.old_address === null ? {} : { address: String(row.old_address) } }),
      ...(row.builder === null ? {} : { builder: String(row.builder) }),
      containers,
    }
  }

  function containersOf(rows: readonly Row[]): Map<string, Record<string, ContainerRecord>> {
    const pods = new Map<string, Record<string, ContainerRecord>>()
    for (const row of rows) {
      const uid = String(row.pod)
      const containers = pods.get(uid) ?? {}
      const container = containerOf(row)
      containers[container.name] = container
      pods.set(uid, containers)
    }
    return pods
  }

  const store: StateStore = {
    makeRoom() {
      if (options.reserve !== undefined) releaseReserve(options.reserve)
    },
    setting: name => text(sql('SELECT value FROM setting WHERE name = ?').get(name)?.value),
    ensureSetting(name, value) {
      const known = store.setting(name)
      if (known !== undefined) return known
      sql('INSERT INTO setting VALUES (?, ?) ON CONFLICT DO NOTHING').run(name, value())
      return store.setting(name)!
    },
    apps: () => sql('SELECT * FROM app ORDER BY created_at, name').all().map(appOf),
    app(name) {
      const row = sql('SELECT * FROM app WHERE name = ?').get(name)
      return row && appOf(row)
    },
    putApp(app) {
      sql('INSERT INTO app VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET source = excluded.source').run(
        app.name,
        app.source,
        app.createdAt,
      )
    },
    removeApp(name) {
      transaction(db, () => {
        objects.removeAll(name)
        sql('DELETE FROM app WHERE name = ?').run(name)
      })
    },
    ...objects,
    ...doomed,
    addEvent: events.add,
    events(filter = {}) {
      events.flush()
      const since = new Date(Date.parse(options.now()) - EVENT_LIFE_MS).toISOString()
      return sql('SELECT * FROM event WHERE serial > ? AND (?2 IS NULL OR uid = ?2) AND last_at >= ?3 ORDER BY serial')
        .all(filter.after ?? 0, filter.uid ?? null, since)
        .map(eventOf)
    },
    pods(filter = {}) {
      const app = filter.app ?? null
      const rows = sql(`${SELECT_POD} WHERE (?1 IS NULL OR app = ?1) ORDER BY pod.rowid`).all(app)
      if (app === null) plans.keepOnly(rows.map(row => String(row.uid)))
      if (rows.length === 0) return []
      const containers = containersOf(sql(`${SELECT_CONTAINER} ORDER BY container.rowid`).all())
      return rows.map(row => recordOf(row, containers.get(String(row.uid)) ?? {}))
    },
    pod(uid) {
      const row = sql(`${SELECT_POD} WHERE uid = ?`).get(uid)
      if (!row) return undefined
      return recordOf(row, containersOf(sql(`${SELECT_CONTAINER} WHERE container.pod = ?`).all(uid)).get(uid) ?? {})
    },
    addPods(app, pods) {
      if (pods.length === 0) return
      transaction(db, () => {
        const lease = leases.begin()
        for (const { uid, plan } of pods) {
          leases.checkPod(plan, NONE)
          const address = lease.address(plan)
          const text = plans.write(uid, plan)
          sql(
            'INSERT INTO pod (uid, app, namespace, name, plan, created_at, address, builder) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          ).run(uid, app, plan.namespace, plan.name, text, options.now(), address ?? null, self)
          lease.ports(uid, plan)
          spareClaims(plan)
        }
        lease.end()
      })
    },
    checkPods(plans, except) {
      leases.checkRoom(plans, except)
      for (const plan of plans) leases.checkPod(plan, except)
    },
    endPod(uid) {
      transaction(db, () => {
        sql('INSERT OR REPLACE INTO ended SELECT uid, address FROM pod WHERE uid = ?').run(uid)
        sql('UPDATE pod SET address = NULL, infra = NULL WHERE uid = ?').run(uid)
        sql('DELETE FROM port WHERE pod = ?').run(uid)
      })
    },
    reviveEnded(uid) {
      transaction(db, () => {
        const record = store.pod(uid)
        if (!record?.ended) return
        leases.checkPod(record.plan, new Set([uid]))
        const lease = leases.begin()
        sql('UPDATE pod SET address = ? WHERE uid = ?').run(
          lease.address(record.plan, record.ended.address) ?? null,
          uid,
        )
        lease.ports(uid, record.plan)
        lease.end()
        sql('DELETE FROM ended WHERE pod = ?').run(uid)
      })
    },
    setConditions(uid, conditions) {
      transaction(db, () => {
        sql('DELETE FROM condition WHERE pod = ?').run(uid)
        const put = 'INSERT INTO condition VALUES (?, ?, ?)'
        for (const condition of conditions) sql(put).run(uid, condition.type, JSON.stringify(condition))
      })
    },
    markBuilt: (app, uid) =>
      void sql('UPDATE pod SET builder = NULL WHERE app = ? AND (?2 IS NULL OR uid = ?2)').run(app, uid ?? null),
    markRemoving: uid => void sql('UPDATE pod SET removing = 1 WHERE uid = ?').run(uid),
    setInfra: (uid, infra) => void sql('UPDATE pod SET infra = ? WHERE uid = ?').run(infra, uid),
    putContainer(uid, c) {
      sql('INSERT OR REPLACE INTO container VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
        uid,
        c.name,
        c.id,
        c.attempt,
        c.imageId,
        c.createdAt,
        c.startedAt ?? null,
        c.process ?? null,
        c.lifecycle === undefined ? null : JSON.stringify(c.lifecycle),
      )
      // It is known from the start, and stays.
      if (c.user && c.startedAt === undefined)
        sql('INSERT OR REPLACE INTO runs_as VALUES (?, ?, ?)').run(uid, c.name, JSON.stringify(c.user))
    },
    setLifecycle(uid, name, attempt, lifecycle) {
      const update = 'UPDATE container SET lifecycle = ? WHERE pod = ? AND name = ? AND attempt = ?'
      sql(update).run(JSON.stringify(lifecycle), uid, name, attempt)
    },
    container(uid, name) {
      const row = sql(`${SELECT_CONTAINER} WHERE container.pod = ? AND container.name = ?`).get(uid, name)
      return row && containerOf(row)
    },
    setStopped(uid, stopped) {
      const change = stopped ? 'INSERT OR IGNORE INTO stopped VALUES (?)' : 'DELETE FROM stopped WHERE pod = ?'
      sql(change).run(uid)
    },
    setFailure: (uid, failure) =>
      void sql('UPDATE pod SET failure = ? WHERE uid = ?').run(JSON.stringify(failure), uid),
    setPlan: (uid, plan) => void sql('UPDATE pod SET plan = ? WHERE uid = ?').run(plans.write(uid, plan), uid),
    removePod: uid => void sql('DELETE FROM pod WHERE uid = ?').run(uid),
    ports: leases.all,
    addresses: leases.addresses,
    claimApp(name, waits = false) {
      return transaction(db, () => {
        const holder = other('SELECT holder FROM claim WHERE app = ?', name)
        const wisher = other('SELECT holder FROM wish WHERE app = ?', name)
        if (holder === undefined && wisher === undefined) {
          forgetTheDead()
          sql('INSERT OR REPLACE INTO claim VALUES (?, ?)').run(name, self)
          sql('DELETE FROM wish WHERE app = ?').run(name)
          return {}
        }
        if (waits && wisher === undefined) sql('INSERT OR REPLACE INTO wish VALUES (?, ?)').run(name, self)
        return { heldBy: pidOf(holder ?? wisher!) }
      })
    },
    isAppWanted: name => other('SELECT holder FROM wish WHERE app = ?', name) !== undefined,
    releaseApp(name) {
      sql('DELETE FROM claim WHERE app = ? AND holder = ?').run(name, self)
      sql('DELETE FROM wish WHERE app = ? AND holder = ?').run(name, self)
    },
    writeEvents: events.flush,
    backUp(youngMs) {
      // A first one of nothing would keep the first pods waiting for theirs.
      if (sql('SELECT 1 FROM app LIMIT 1').get() !== undefined) backUp(db, youngMs)
    },
    close() {
      events.flush()
      db.close()
    },
  }

  /** What a killed command has of an app that nobody names again would stay for ever. */
  function forgetTheDead(): void {
    for (const { holder } of sql('SELECT holder FROM claim UNION SELECT holder FROM wish').all()) {
      if (isAlive(String(holder))) continue
      sql('DELETE FROM claim WHERE holder = ?').run(holder!)
      sql('DELETE FROM wish WHERE holder = ?').run(holder!)
    }
  }

  /** The process that a query names, if it is another one and lives. */
  function other(query: string, app: string): string | undefined {
    const holder = text(sql(query).get(app)?.holder)
    return holder !== undefined && holder !== self && isAlive(holder) ? holder : undefined
  }

  return store
}

function text(value: SQLOutputValue | undefined): string | undefined {
  return value === undefined || value === null ? undefined : String(value)
}

function appOf(row: Row): AppRecord {
  return { name: String(row.name), source: String(row.source), createdAt: String(row.created_at) }
}

function containerOf(row: Row): ContainerRecord {
  const startedAt = text(row.started_at)
  const identity = text(row.process)
  const lifecycle = text(row.lifecycle)
  const user = text(row.user)
  return {
    id: String(row.id),
    name: String(row.name),
    attempt: Number(row.attempt),
    imageId: String(row.image_id),
    ...(user === undefined ? {} : { user: JSON.parse(user) as NonNullable<ContainerRecord['user']> }),
    createdAt: String(row.created_at),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(identity === undefined ? {} : { process: identity }),
    ...(lifecycle === undefined ? {} : { lifecycle: JSON.parse(lifecycle) as ContainerLifecycle }),
  }
}
