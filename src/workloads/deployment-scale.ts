/** A Deployment whose wanted number changed, or that is paused. Source: pkg/controller/deployment/sync.go, scale. */
import { type DeploymentSpec, limitsOf, maxAtScale, revisionOf, type SetState, type Sets } from './deployment-sets.ts'

export function scaleDeployment(spec: DeploymentSpec, sets: Sets): Sets {
  const replicas = spec.replicas ?? 1
  const { current } = sets
  const single = activeOrLatest(sets)
  if (single) return replace(sets, { ...single, replicas })
  if (current && isSaturated(current, replicas)) {
    return { ...sets, old: sets.old.map(set => ({ ...set, replicas: 0 })) }
  }
  if (spec.strategy?.type === 'Recreate') return sets
  return proportional(spec, sets)
}

/** The one set with pods; with none, the newest. */
function activeOrLatest({ current, old }: Sets): SetState | undefined {
  const active = [...old, ...(current ? [current] : [])].filter(({ replicas }) => replicas > 0)
  if (active.length > 1) return undefined
  return active[0] ?? current ?? old.toSorted((a, b) => revisionOf(a) - revisionOf(b)).at(-1)
}

function isSaturated(current: SetState, replicas: number): boolean {
  return current.replicas === replicas && current.counts.available === replicas
}

/** In the middle of an update every set gets its share of the difference; what rounding leaves goes to the largest. */
function proportional(spec: DeploymentSpec, sets: Sets): Sets {
  const replicas = spec.replicas ?? 1
  const all = [...sets.old, ...(sets.current ? [sets.current] : [])]
  const active = all.filter(set => set.replicas > 0)
  const total = active.reduce((sum, set) => sum + set.replicas, 0)
  const allowed = replicas > 0 ? replicas + limitsOf(spec).surge : 0
  const toAdd = allowed - total
  const newerFirst = (a: SetState, b: SetState) => b.createdAtMs - a.createdAtMs
  const ordered = active.toSorted(
    (a, b) => b.replicas - a.replicas || (toAdd > 0 ? newerFirst(a, b) : newerFirst(b, a)),
  )
  let added = 0
  const next = new Map<string, number>()
  for (const set of ordered) {
    const before = maxAtScale(set) || total
    const share = Math.round((set.replicas * allowed) / before) - set.replicas
    const left = toAdd - added
    const part = toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
    next.set(set.uid, set.replicas + part)
    added += part
  }
  const first = ordered[0]
  if (first && added !== toAdd) next.set(first.uid, Math.max(0, next.get(first.uid)! + toAdd - added))
  const resized = (set: SetState) => ({ ...set, replicas: next.get(set.uid) ?? set.replicas })
  return { ...(sets.current ? { current: resized(sets.current) } : {}), old: sets.old.map(resized) }
}

function replace({ current, old }: Sets, set: SetState): Sets {
  if (current?.uid === set.uid) return { current: set, old }
  return { ...(current ? { current } : {}), old: old.map(other => (other.uid === set.uid ? set : other)) }
}
