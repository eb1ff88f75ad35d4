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

/** By which fields an API server chooses objects, beside their name and namespace. Source: its registry's strategies. */
const FIELD_LABELS: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.hostNetwork',
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.nominatedNodeName',
    'status.phase',
    'status.podIP',
    'status.podIPs',
  ],
  Event: [
    'involvedObject.apiVersion',
    'involvedObject.fieldPath',
    'involvedObject.kind',
    'involvedObject.name',
    'involvedObject.namespace',
    'involvedObject.resourceVersion',
    'involvedObject.uid',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  Job: ['status.successful'],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  ReplicaSet: ['status.replicas'],
  ReplicationController: ['status.replicas'],
  Secret: ['type'],
  Service: ['spec.clusterIP', 'spec.type'],
}

/** Where the value of a field stands, when not at the path of its name. */
const FIELD_PATHS: Readonly<Record<string, string>> = {
  'status.successful': 'status.succeeded',
  source: 'source.component',
}

/** What an API server takes a field for that is not there. */
const ABSENT: Readonly<Record<string, string>> = {
  'spec.hostNetwork': 'false',
  'spec.unschedulable': 'false',
  'status.successful': '0',
}

/**
 * `status.phase=Running,metadata.name!=web`: the fields by which an API server chooses objects of the kind. Fails with code
 * `BadSelector` for others.
 */
export function fieldFilter(text: string, kind: string): ObjectFilter {
  const known = ['metadata.name', 'metadata.namespace', ...(FIELD_LABELS[kind] ?? [])]
  const requirements = text
    .split(',')
    .filter(part => part.trim() !== '')
    .map(part => {
      const match = /^\s*([\w.]+)\s*(==|=|!=)\s*(.*?)\s*$/.exec(part)
      if (!match) throw badSelector(part)
      const [, field = '', operator, value] = match
      if (!known.includes(field)) throw badField(field, kind, known)
      const path = (FIELD_PATHS[field] ?? field).split('.')
      return { path, equal: operator !== '!=', value, absent: ABSENT[field] ?? '' }
    })
  return object =>
    requirements.every(({ path, equal, value, absent }) => (fieldText(object, path, absent) === value) === equal)
}

function fieldText(object: object, path: readonly string[], absent: string): string {
  let at: unknown = object
  for (const step of path) {
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined
  }
  if (Array.isArray(at)) return at.map(({ ip }: { ip?: string }) => ip).join(',')
  return at === undefined ? absent : String(at)
}

function badField(field: string, kind: string, known: readonly string[]): KubeError {
  return new KubeError('BadSelector', `Error from server (BadRequest): field label not supported: ${field}`, {
    hint: `of a ${kind}: ${known.join(', ')}`,
  })
}

function badSelector(text: string): KubeError {
  return new KubeError('BadSelector', `unable to parse requirement: ${JSON.stringify(text)}`, {
    exitStatus: 2,
    hint: 'for example -l app=web,tier!=db',
  })
}
