/** `kubectl describe`'s layout: names and values in columns, indented blocks. Pure. */

import { visible } from './render.ts'

/** A line with a value, a name with a block below it, or a bare line. */
export type Field = readonly [name: string, value: string | readonly Field[]] | string

const NONE = '<none>'

/** The fields as text. Values of neighbouring lines stand in one column. */
export function layout(fields: readonly Field[], indent = ''): string {
  const width = Math.max(0, ...fields.map(field => (isLine(field) ? field[0].length : 0)))
  return fields
    .map(field => {
      if (typeof field === 'string') return `${indent}${visible(field)}\n`
      const [name, value] = field
      if (typeof value !== 'string') return `${indent}${name}:\n${layout(value, `${indent}  `)}`
      const [first = '', ...more] = visible(value).split('\n')
      const start = `${indent}${`${name}:`.padEnd(width + 1)}  `
      const rest = more.map(line => `${' '.repeat(start.length)}${line}\n`)
      return `${`${start}${first}`.trimEnd()}\n${rest.join('')}`
    })
    .join('')
}

function isLine(field: Field): field is readonly [string, string] {
  return typeof field !== 'string' && typeof field[1] === 'string'
}

/** Holds a whole object, a Secret's values too; kubectl leaves it out as well. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** A map as lines `key=value`, sorted. */
export function mapText(map: Readonly<Record<string, string>> | undefined, separator = '='): string {
  const lines = Object.entries(map ?? {})
    .filter(([key]) => key !== LAST_APPLIED)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}${separator}${value}`)
  return lines.length === 0 ? NONE : lines.join('\n')
}

/** `Sat, 21 Nov 2026 08:36:44 +0000`. Source: Go time.RFC1123Z. */
export function timeText(time: string | undefined): string {
  return time === undefined ? NONE : new Date(time).toUTCString().replace('GMT', '+0000')
}

export function orNone(text: string | undefined): string {
  return text === undefined || text === '' ? NONE : text
}
