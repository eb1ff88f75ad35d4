/**
 * kubectl's JSONPath templates: `{.items[*].metadata.name}`, `{range .items[*]}{.metadata.name}{"\n"}{end}`. Source:
 * kubernetes.io, "JSONPath Support", and k8s.io/client-go/util/jsonpath, whose results these are. Pure.
 */
import { KubeError } from '../diagnostic.ts'
import { jsonText } from '../manifest/integer.ts'
import { type Literal, type Node, type Path, parseTemplate, type Step } from './jsonpath-parse.ts'

/** The template's text for `data`. Fails with code `BadTemplate` and exit status 2 for a template that can't be read. */
export function renderTemplate(template: string, data: unknown): string {
  return resultsOf(parseTemplate(template), data, data)
    .map(results => results.map(valueText).join(' '))
    .join('')
}

/** Each part's results as a JSON array of their own: kubectl's `jsonpath-as-json`. Fails as `renderTemplate`. */
export function renderTemplateJson(template: string, data: unknown): string {
  return resultsOf(parseTemplate(template), data, data)
    .map(results => `${jsonText(results, 4)}\n`)
    .join('')
}

/** All values that one path finds; `path` may be `{.a.b}`, `.a.b` or `a.b`, as in `--sort-by` and custom columns. */
export function findValues(path: string, data: unknown): readonly unknown[] {
  const bare = path.replace(/^\{(.*)\}$/s, '$1')
  const relative = /^[.$[@]/.test(bare) ? bare : `.${bare}`
  const [node] = parseTemplate(`{${relative}}`)
  if (node?.kind !== 'path') throw new KubeError('BadTemplate', `not a path: ${path}`, { exitStatus: 2 })
  return follow(node.path, data, data)
}

/** What each text and each path of the template comes to, in its order. */
function resultsOf(nodes: readonly Node[], current: unknown, root: unknown): readonly (readonly unknown[])[] {
  return nodes.flatMap(node => {
    if (node.kind === 'text') return [[node.text]]
    if (node.kind === 'path') return [follow(node.path, current, root)]
    return follow(node.path, current, root).flatMap(item => resultsOf(node.body, item, root))
  })
}

/** A value as kubectl prints it: text as it is, everything else as JSON. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined) return ''
  return jsonText(value) ?? ''
}

function follow(path: Path, current: unknown, root: unknown): readonly unknown[] {
  let values: readonly unknown[] = [path.fromRoot ? root : current]
  for (const step of path.steps) values = values.flatMap(value => stepInto(value, step, root))
  return values
}

function stepInto(value: unknown, step: Step, root: unknown): readonly unknown[] {
  switch (step.kind) {
    case 'field':
      return field(value, step.name)
    case 'all':
      return children(value)
    case 'deep':
      return descendants(value).flatMap(item => field(item, step.name))
    case 'items':
      return Array.isArray(value) ? slice(value, step) : []
    case 'union':
      return step.members.flatMap(member => stepInto(value, member, root))
    case 'filter':
      return children(value).filter(item => matches(item, step, root))
  }
}

function field(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return []
  return [Reflect.get(value, name)]
}

function children(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}

function descendants(value: unknown): readonly unknown[] {
  return [value, ...children(value).flatMap(descendants)]
}

function slice(list: readonly unknown[], range: Extract<Step, { kind: 'items' }>): readonly unknown[] {
  const place = (index: number) => (index < 0 ? index + list.length : index)
  if (range.end === undefined && range.single) {
    const index = place(range.start)
    return index >= 0 && index < list.length ? [list[index]] : []
  }
  const end = Math.min(range.end === undefined ? list.length : place(range.end), list.length)
  const found: unknown[] = []
  for (let i = Math.max(0, place(range.start)); i < end; i += range.step) found.push(list[i])
  return found
}

function matches(item: unknown, step: Extract<Step, { kind: 'filter' }>, root: unknown): boolean {
  const left = operand(step.left, item, root)
  if (step.operator === undefined || step.right === undefined) return left.length > 0
  const [a] = left
  const [b] = operand(step.right, item, root)
  if (step.operator === '==') return a === b
  if (step.operator === '!=') return left.length > 0 && a !== b
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string')) return false
  const [x, y] = [a, b as typeof a]
  if (step.operator === '<') return x < y
  if (step.operator === '<=') return x <= y
  return step.operator === '>' ? x > y : x >= y
}

function operand(side: Path | Literal, item: unknown, root: unknown): readonly unknown[] {
  return 'value' in side ? [side.value] : follow(side, item, root)
}
