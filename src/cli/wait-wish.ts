/** What `--for` asks for: `condition=Ready`, `jsonpath={.status.phase}=Running`, `create`, `delete`. */
import { KubeError } from '../diagnostic.ts'
import type { WireObject } from '../status/wire.ts'
import { findValues, valueText } from './jsonpath.ts'

export interface Wish {
  /** `condition` is of objects that are there. */
  readonly kind: 'condition' | 'create' | 'delete'
  /** `undefined`: the object is not there. */
  holds(object: WireObject | undefined): boolean
}

/** Fails with exit status 2. */
export function parseWish(text: string): Wish {
  const lower = text.toLowerCase()
  if (lower === 'delete') return { kind: 'delete', holds: object => object === undefined }
  if (lower === 'create') return { kind: 'create', holds: object => object !== undefined }
  if (lower.startsWith('condition=')) return conditionWish(text.slice('condition='.length))
  if (lower.startsWith('jsonpath=')) return pathWish(text.slice('jsonpath='.length))
  throw new KubeError('Usage', `unrecognized condition: ${JSON.stringify(text)}`, {
    exitStatus: 2,
    hint: "condition=NAME[=VALUE], jsonpath='{PATH}'[=VALUE], create or delete",
  })
}

/** Names and values in any case; the value is `true` unless it is given. */
function conditionWish(text: string): Wish {
  const [name = '', value = 'true'] = text.split('=').map(word => word.trim().toLowerCase())
  if (name === '') throw new KubeError('Usage', 'the condition has no name', { exitStatus: 2 })
  return {
    kind: 'condition',
    holds(object) {
      const conditions = findValues('status.conditions[*]', object ?? {}) as readonly Record<string, unknown>[]
      const found = conditions.find(({ type }) => String(type).toLowerCase() === name)
      return found !== undefined && String(found.status).toLowerCase() === value
    },
  }
}

/** Without a value, that there is one at the path will do. */
function pathWish(text: string): Wish {
  const close = text.lastIndexOf('}')
  const isBraced = text.startsWith('{') && close > 0
  const split = isBraced ? close + 1 : text.indexOf('=') < 0 ? text.length : text.indexOf('=')
  const path = text.slice(0, split)
  const rest = text.slice(split)
  if (path.replace(/[{}.]/g, '') === '' || (rest !== '' && !rest.startsWith('='))) {
    throw new KubeError('Usage', `jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3`, {
      exitStatus: 2,
    })
  }
  const wanted = rest === '' ? undefined : rest.slice(1)
  if (wanted === '')
    throw new KubeError('Usage', 'jsonpath wait has to have a value after equal sign', { exitStatus: 2 })
  // A path that cannot be read is a mistake of the command line, not one that is found out by waiting.
  findValues(path, {})
  return {
    kind: 'condition',
    holds(object) {
      if (!object) return false
      const values = findValues(path, object)
      if (wanted === undefined) return values.length > 0
      return values.length === 1 && valueText(values[0]) === wanted
    },
  }
}
