/** Quantities as an API server shows them, however a manifest writes them. Pure. */
import { formatQuantity } from '../manifest/quantity.ts'

/** Fields that hold one quantity. */
const SINGLE = new Set(['divisor', 'sizeLimit', 'averageValue', 'maximumVolumeSize'])

/** Fields that hold a map of quantities by resource. */
const MAPS = new Set([
  'limits',
  'requests',
  'allocatable',
  'allocatedResources',
  'capacity',
  'default',
  'defaultRequest',
  'hard',
  'max',
  'maxLimitRequestRatio',
  'min',
  'overhead',
  'used',
])

/** Fields whose keys are a person's, so that a name in them says nothing. */
const OPAQUE = new Set(['annotations', 'labels', 'matchLabels', 'nodeSelector', 'selector'])

/**
 * A spec or status with each quantity in its canonical text: `cpu: 0.1` as `100m`, `memory: 1e9` as `1e9` or, where YAML
 * had a number, as `1G`. The same object when there is nothing to change.
 */
export function canonicalQuantities<T>(value: T): T {
  return canonical(value) as T
}

function canonical(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value.map(canonical)
    return items.some((item, index) => item !== value[index]) ? items : value
  }
  return changed(value, (key, field) => {
    if (OPAQUE.has(key)) return field
    if (SINGLE.has(key)) return amount(field)
    if (MAPS.has(key) && isMap(field)) return changed(field, (_, one) => (isMap(one) ? canonical(one) : amount(one)))
    return canonical(field)
  })
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function amount(value: unknown): unknown {
  return typeof value === 'string' || typeof value === 'number' ? formatQuantity(value) : value
}

/** The object itself where no field changes. */
function changed(object: object, of: (key: string, field: unknown) => unknown): object {
  let copy: Record<string, unknown> | undefined
  for (const [key, field] of Object.entries(object)) {
    const after = of(key, field)
    if (after === field) continue
    copy ??= { ...object }
    copy[key] = after
  }
  return copy ?? object
}
