/** How many pods one object may stand for. */
import type { V1Deployment, V1Job } from '@kubernetes/client-node'
import type { Finding } from '../manifest/finding.ts'
import { refused } from './refused.ts'

/** A Linux bridge has no more ports. Source: net/bridge/br_private.h, BR_MAX_PORTS. */
export const MOST_PODS = 1023

/** The pods are not counted by making them: a typing error asks for millions. */
export function podCountFinding({ kind, value }: { kind: string; value: object }): Finding | undefined {
  const field = kind === 'Job' ? 'parallelism' : 'replicas'
  if (podCount(kind, value) <= MOST_PODS) return undefined
  return refused(['spec', field], `a network of one machine holds ${MOST_PODS} pods`)
}

function podCount(kind: string, value: object): number {
  if (kind !== 'Job') return (value as V1Deployment).spec?.replicas ?? 1
  const { parallelism = 1, completions = Number.POSITIVE_INFINITY } = (value as V1Job).spec ?? {}
  return Math.min(parallelism, completions)
}
