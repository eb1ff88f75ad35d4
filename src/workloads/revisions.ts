/** The templates a StatefulSet or DaemonSet had. Source: k8s.io/kubernetes pkg/controller/history. */
import type { V1ControllerRevision, V1PodTemplateSpec } from '@kubernetes/client-node'
import { canonicalJson } from '../plan/canonical.ts'
import { REVISION_HASH } from '../plan/expand.ts'
import { templateHash, uuidOf } from '../plan/names.ts'
import type { ChildObject, WorkloadRecord } from './types.ts'

export interface Revision {
  /** `NAME-HASH`. */
  readonly name: string
  readonly uid: string
  /** Counts from 1; the present template has the highest. */
  readonly number: number
  readonly template: V1PodTemplateSpec
}

/** Where a revision keeps why it was made. */
const CHANGE_CAUSE = 'kubernetes.io/change-cause'

/** Oldest first. */
export function readRevisions(children: readonly WorkloadRecord[]): readonly Revision[] {
  return children
    .filter(({ kind }) => kind === 'ControllerRevision')
    .map(({ name, uid, value }) => ({
      name,
      uid,
      number: (value as V1ControllerRevision).revision,
      template: ((value as V1ControllerRevision).data as { readonly spec: { readonly template: V1PodTemplateSpec } })
        .spec.template,
    }))
    .toSorted((a, b) => a.number - b.number)
}

export interface RevisionChanges {
  /** Of the present template. */
  readonly current: Revision
  readonly put: readonly ChildObject[]
  readonly remove: readonly string[]
}

/** Records the present template, and forgets the oldest ones that no pod has and that are more than `limit`. */
export function syncRevisions(
  { object, children }: { readonly object: WorkloadRecord; readonly children: readonly WorkloadRecord[] },
  template: V1PodTemplateSpec,
  { limit, live }: { readonly limit: number; readonly live: ReadonlySet<string> },
): RevisionChanges {
  const known = readRevisions(children)
  const name = `${object.name}-${templateHash(template)}`
  const last = known.at(-1)?.number ?? 0
  const old = known.find(revision => revision.name === name)
  const uid = old?.uid ?? uuidOf(['ControllerRevision', object.namespace, name])
  // A template that comes back is the newest again.
  const current = { name, uid, number: old && old.number === last ? last : last + 1, template }
  const child = revisionObject(object, current)
  const recorded = children.find(candidate => candidate.uid === uid)
  const put = recorded && canonicalJson(recorded.value) === canonicalJson(child.value) ? [] : [child]
  const spare = known.filter(revision => revision.name !== name && !live.has(revision.name))
  const remove = spare.slice(0, Math.max(0, spare.length - limit)).map(revision => revision.uid)
  return { current, put, remove }
}

function revisionObject(object: WorkloadRecord, revision: Revision): ChildObject {
  const { apiVersion, kind, name, uid, namespace, value } = object
  const cause = (value as V1ControllerRevision).metadata?.annotations?.[CHANGE_CAUSE]
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    name: revision.name,
    uid: revision.uid,
    value: {
      apiVersion: 'apps/v1',
      data: { spec: { template: revision.template } },
      kind: 'ControllerRevision',
      metadata: {
        ...(cause === undefined ? {} : { annotations: { [CHANGE_CAUSE]: cause } }),
        labels: { ...revision.template.metadata?.labels, [REVISION_HASH]: revision.name.slice(name.length + 1) },
        name: revision.name,
        namespace,
        ownerReferences: [{ apiVersion, blockOwnerDeletion: true, controller: true, kind, name, uid }],
      },
      revision: revision.number,
    },
  }
}
