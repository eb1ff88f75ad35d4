/** Events in the state database. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { EventRecord, NewEvent } from '../../engine/ports.ts'
import { type Statement, transaction } from './database.ts'

/** Rows that are kept; the oldest go first. */
const CAPACITY = 10_000
/** Looking at the capacity with every event would cost more than the event. */
const LOOK_EVERY = 200

/** How long events are gathered before they are written together, in milliseconds: one by one, each is a transaction. */
const GATHER_MS = 50

export interface EventWriter {
  add(event: NewEvent): void
  /** Writes what was gathered. */
  flush(): void
}

/** Events are the last thing that anybody waits for: they are written a moment later, many at once. */
export function openEventWriter(db: DatabaseSync, sql: (text: string) => Statement): EventWriter {
  let queue: NewEvent[] = []
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    if (queue.length === 0) return
    const events = queue
    queue = []
    try {
      transaction(db, () => {
        for (const event of events) addEvent(sql, event)
      })
    } catch (error) {
      // A full disk, or one that cannot be written: what the events tell of goes on without them.
      if (!(error instanceof Error && 'errcode' in error)) throw error
    }
  }

  return {
    add(event) {
      queue.push(event)
      timer ??= setTimeout(flush, GATHER_MS).unref()
    },
    flush,
  }
}

/** Adds an event; the same one of the same object counts up and gets a new serial. */
function addEvent(sql: (text: string) => Statement, event: NewEvent): void {
  const field = event.fieldPath ?? null
  const known = sql(
    'SELECT serial, count, first_at FROM event WHERE uid = ? AND reason = ? AND message = ? AND field_path IS ?',
  ).get(event.uid, event.reason, event.message, field)
  if (known) sql('DELETE FROM event WHERE serial = ?').run(known.serial!)
  const { lastInsertRowid } = sql(
    'INSERT INTO event (kind, namespace, name, uid, field_path, type, reason, message, count, first_at, last_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(
    event.kind,
    event.namespace,
    event.name,
    event.uid,
    field,
    event.type,
    event.reason,
    event.message,
    Number(known?.count ?? 0) + 1,
    known === undefined ? event.at : String(known.first_at),
    event.at,
  )
  const serial = Number(lastInsertRowid)
  if (serial % LOOK_EVERY === 0) sql('DELETE FROM event WHERE serial <= ?').run(serial - CAPACITY)
}

export function eventOf(row: Record<string, SQLOutputValue>): EventRecord {
  return {
    serial: Number(row.serial),
    kind: String(row.kind),
    namespace: String(row.namespace),
    name: String(row.name),
    uid: String(row.uid),
    ...(row.field_path === null ? {} : { fieldPath: String(row.field_path) }),
    type: row.type === 'Warning' ? 'Warning' : 'Normal',
    reason: String(row.reason),
    message: String(row.message),
    count: Number(row.count),
    at: String(row.first_at),
    lastAt: String(row.last_at),
  }
}
