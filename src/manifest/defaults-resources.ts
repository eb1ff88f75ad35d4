/** Requests that follow from others. Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go, SetDefaults_Pod. */
import type { V1Container, V1PodSpec } from '@kubernetes/client-node'
import { parseQuantity, printQuantity, type Quantity } from './quantity.ts'

/** Of a pod, not of a template: what is limited and not asked for is asked for as much. */
export function defaultRequests(spec: V1PodSpec): void {
  for (const container of [...(spec.containers ?? []), ...(spec.initContainers ?? [])]) {
    const { limits } = container.resources ?? {}
    if (container.resources === undefined || limits === undefined) continue
    container.resources.requests = { ...limits, ...container.resources.requests }
  }
  if (spec.resources !== undefined) defaultPodRequests(spec, spec.resources)
}

/** Resources that a pod can ask for as a whole and share unevenly. */
const SHARED = ['cpu', 'memory'] as const

/** A pod that says something about itself asks for what its containers do, else for what it is limited to. */
function defaultPodRequests(spec: V1PodSpec, own: NonNullable<V1PodSpec['resources']>): void {
  const requests = { ...own.requests }
  for (const name of SHARED) {
    const request = requests[name] ?? totalRequest(spec, name) ?? own.limits?.[name]
    if (request !== undefined) requests[name] = request
  }
  if (Object.keys(requests).length > 0) own.requests = requests
}

/** Of all containers at their worst moment: init containers run one after the other, sidecars beside what follows. */
function totalRequest(spec: V1PodSpec, name: string): string | undefined {
  const of = (container: V1Container) => {
    const request = container.resources?.requests?.[name]
    return request === undefined ? undefined : parseQuantity(request)
  }
  let sidecars: Quantity | undefined
  let worst: Quantity | undefined
  for (const container of spec.initContainers ?? []) {
    const amount = plus(sidecars, of(container))
    if (container.restartPolicy === 'Always') sidecars = amount
    worst = larger(worst, amount)
  }
  const together = (spec.containers ?? []).map(of).reduce(plus, sidecars)
  const total = larger(worst, together)
  return total && printQuantity(total)
}

function plus(a: Quantity | undefined, b: Quantity | undefined): Quantity | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return { nanos: a.nanos + b.nanos, format: a.format }
}

function larger(a: Quantity | undefined, b: Quantity | undefined): Quantity | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return a.nanos >= b.nanos ? a : b
}
