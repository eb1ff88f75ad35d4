/** Numbers that may be percentages. Source: k8s.io/apimachinery pkg/util/intstr. */

export type IntOrPercent = number | string | undefined

/** `value` itself, or that part of `total`, rounded up or down. */
export function scaled(value: IntOrPercent, total: number, rounding: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const part = (Number.parseFloat(value) * total) / 100
  return rounding === 'up' ? Math.ceil(part) : Math.floor(part)
}

/** How far an update may go above and below the wanted number. Both 0 could never go on: then one may be missing. */
export function fenceposts(
  maxSurge: IntOrPercent,
  maxUnavailable: IntOrPercent,
  replicas: number,
): { readonly surge: number; readonly unavailable: number } {
  const surge = scaled(maxSurge, replicas, 'up')
  const unavailable = scaled(maxUnavailable, replicas, 'down')
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable }
}
