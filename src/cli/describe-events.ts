/** The end of a description: what happened to the object. Source: kubectl pkg/describe/describe.go, DescribeEvents. */
import type { EventObject } from '../status/event-object.ts'
import { lastSeen } from './columns.ts'
import { table } from './render.ts'

export function eventsSection(events: readonly EventObject[], nowMs: number): string {
  if (events.length === 0) return 'Events:  <none>\n'
  const rows = events.map(event => {
    const { fieldPath } = event.involvedObject
    const message = (event.message ?? '').trim()
    return [
      event.type ?? '',
      event.reason ?? '',
      lastSeen(event, nowMs),
      event.source?.component ?? '',
      fieldPath === undefined ? message : `${fieldPath}: ${message}`,
    ]
  })
  const head = ['Type', 'Reason', 'Age', 'From', 'Message']
  const text = table(head, [['----', '------', '----', '----', '-------'], ...rows])
  return `Events:\n${text.replaceAll(/^/gm, '  ').trimEnd()}\n`
}
