/** Requests and limits. Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go, ValidateContainerResourceRequirements. */
import type { V1PodSpec, V1ResourceRequirements } from '@kubernetes/client-node'
import type { FieldPath } from '../../diagnostic.ts'
import { forbidden, invalid, required, warning } from '../finding.ts'
import { compareQuantities, formatQuantity, milliValue, parseQuantity } from '../quantity.ts'
import type { Findings } from './check.ts'
import { checkQualifiedName, notNegative } from './names.ts'

const standardResources = new Set(['cpu', 'memory', 'ephemeral-storage'])

function isHugePages(name: string): boolean {
  return name.startsWith('hugepages-')
}

/** Names with a prefix other than kubernetes.io, such as `nvidia.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.')
}

/** podman's names of devices, `vendor.com/class=device`: no cluster takes them. */
const deviceName = /^[^/=]+\/[^/=]+=./

function* checkResourceName(at: FieldPath, name: string): Findings {
  if (deviceName.test(name)) {
    yield {
      ...warning(at, 'DeviceByName', `${name} names a device of this machine, as podman does; a cluster refuses it`),
      atKey: true,
    }
    return
  }
  for (const message of checkQualifiedName(name)) yield { ...invalid(at, name, message), atKey: true }
  if (name.includes('/')) {
    if (name.startsWith('requests.'))
      yield { ...invalid(at, name, "doesn't follow extended resource name standard"), atKey: true }
    return
  }
  if (standardResources.has(name) || isHugePages(name)) return
  yield { ...invalid(at, name, 'must be a standard resource type or fully qualified'), atKey: true }
  yield { ...invalid(at, name, 'must be a standard resource for containers'), atKey: true }
}

/** Whole numbers only: objects that are counted. */
function* checkAmount(at: FieldPath, name: string, amount: string | number): Findings {
  if (parseQuantity(amount) === undefined) return
  if (compareQuantities(amount, 0) < 0) yield invalid(at, formatQuantity(amount), notNegative)
  if (isExtendedResource(name) && milliValue(amount) % 1000n !== 0n)
    yield invalid(at, formatQuantity(amount), 'must be an integer')
}

type Amounts = Readonly<Record<string, string | number>>

/** The resources of a container or of a whole pod. */
export function* checkResources(at: FieldPath, resources: V1ResourceRequirements): Findings {
  const limits: Amounts = resources.limits ?? {}
  const requests: Amounts = resources.requests ?? {}
  for (const [field, amounts] of [
    ['limits', limits],
    ['requests', requests],
  ] as const)
    for (const [name, amount] of Object.entries(amounts)) {
      yield* checkResourceName([...at, field, name], name)
      yield* checkAmount([...at, field, name], name, amount)
    }
  for (const [name, request] of Object.entries(requests)) {
    const place = [...at, 'requests', name]
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined
    const isFixed = isHugePages(name) || (isExtendedResource(name) && !deviceName.test(name))
    if (limit === undefined) {
      if (isFixed)
        yield { ...required([...at, 'limits'], 'Limit must be set for non overcommitable resources'), at: place }
      continue
    }
    const order = compareQuantities(request, limit)
    const detail = `${name} limit of ${formatQuantity(limit)}`
    if (isFixed && order !== 0)
      yield { ...invalid([...at, 'requests'], formatQuantity(request), `must be equal to ${detail}`), at: place }
    else if (order > 0)
      yield {
        ...invalid([...at, 'requests'], formatQuantity(request), `must be less than or equal to ${detail}`),
        at: place,
      }
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)]
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    yield forbidden(at, 'HugePages require cpu or memory')
}

/** The pod's own resources: at least what its containers ask for together, and no container's limit above them. */
export function* checkPodResources(at: FieldPath, spec: V1PodSpec): Findings {
  const { resources } = spec
  if (resources === undefined) return
  const path = [...at, 'resources']
  if (resources.claims !== undefined)
    yield forbidden([...path, 'claims'], 'claims cannot be set for Resources at pod-level')
  yield* checkResources(path, resources)
  const podLimits: Amounts = resources.limits ?? {}
  for (const [index, container] of (spec.containers ?? []).entries())
    for (const [name, limit] of Object.entries<string | number>(container.resources?.limits ?? {})) {
      const podLimit = Object.hasOwn(podLimits, name) ? podLimits[name] : undefined
      if (podLimit === undefined || compareQuantities(limit, podLimit) <= 0) continue
      const place = [...at, 'containers', index, 'resources', 'limits', name]
      yield invalid(
        place,
        formatQuantity(limit),
        `must be less than or equal to pod limits of ${formatQuantity(podLimit)}`,
      )
    }
  for (const [name, request] of Object.entries<string | number>(resources.requests ?? {})) {
    const total = (spec.containers ?? []).reduce((sum, container) => {
      const own: Amounts = container.resources?.requests ?? container.resources?.limits ?? {}
      return sum + (parseQuantity(Object.hasOwn(own, name) ? (own[name] ?? 0) : 0)?.nanos ?? 0n)
    }, 0n)
    if (total <= (parseQuantity(request)?.nanos ?? 0n)) continue
    const shown = formatQuantity(`${total}n`)
    const detail = `must be greater than or equal to aggregate container requests of ${shown}`
    yield invalid([...path, 'requests', name], formatQuantity(request), detail)
  }
}
