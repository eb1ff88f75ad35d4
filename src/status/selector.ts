/** Label and field selectors as `-l` and `--field-selector` take them. Source: k8s.io/apimachinery pkg/labels, pkg/fields. */
import { KubeError } from '../diagnostic.ts'
import type { WireObject } from './wire.ts'

export type ObjectFilter = (object: WireObject) => boolean

interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | 'absent'
  readonly values: readonly string[]
}

const KEY = '[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?'
const VALUE = '[A-Za-z0-9_.-]*'
const REQUIREMENT = new RegExp(
  `^\\s*(?:(!)\\s*(${KEY})|(${KEY})(?:\\s*(==|=|!=)\\s*(${VALUE})|\\s+(in|notin)\\s*\\(([^()]*)\\))?)\\s*$`,
)

/** `app=web,tier!=db,env in (a, b),!canary`. Fails with code `BadSelector` and exit status 2. */
export function labelFilter(text: string): ObjectFilter {
  const requirements = splitOutsideBrackets(text).map(parseRequirement)
  return object => requirements.every(requirement => holds(requirement, object.metadata.labels ?? {}))
}

/** Commas between brackets separate values, not requirements. */
function splitOutsideBrackets(text: string): readonly string[] {
  return text.trim() === '' ? [] : text.split(/,(?![^(]*\))/)
}

function parseRequirement(text: string): Requirement {
  const match = REQUIREMENT.exec(text)
  if (!match) throw badSelector(text)
  const [, not, absentKey, key = '', operator, value, setOperator, set] = match
  if (not !== undefined) return { key: absentKey ?? '', operator: 'absent', values: [] }
  if (operator !== undefined) return { key, operator: operator === '!=' ? 'notin' : 'in', values: [value ?? ''] }
  if (setOperator === undefined) return { key, operator: 'exists', values: [] }
  return { key, operator: setOperator as 'in' | 'notin', values: (set ?? '').split(',').map(item => item.trim()) }
}

function holds({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const present = Object.hasOwn(labels, key)
  if (operator === 'exists') return present
  if (operator === 'absent') return !present
  const isOne = present && values.includes(labels[key] ?? '')
  return operator === 'in' ? isOne : !isOne
}

/** `status.phase=Running,metadata.name!=web`: any field that holds one value. */
export function fieldFilter(text: string): ObjectFilter {
  const requirements = text
    .split(',')
    .filter(part => part.trim() !== '')
    .map(part => {
      const match = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part)
      if (!match) throw badSelector(part)
      return { path: match[1]!.split('.'), equal: match[2] !== '!=', value: match[3]! }
    })
  return object => requirements.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal)
}

function fieldText(object: object, path: readonly string[]): string {
  let at: unknown = object
  for (const step of path) {
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined
  }
  return at === undefined ? '' : String(at)
}

function badSelector(text: string): KubeError {
  return new KubeError('BadSelector', `unable to parse requirement: ${JSON.stringify(text)}`, {
    exitStatus: 2,
    hint: 'for example -l app=web,tier!=db',
  })
}
