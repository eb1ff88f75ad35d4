/** A Deployment's ReplicaSets: nobody writes them down, they are what their pods say. */
import type { V1Deployment } from '@kubernetes/client-node'
import { uuidOf } from '../plan/names.ts'
import type { RecordedObject } from './object-view.ts'
import type { PodObject } from './pod-object.ts'

export function replicaSetUid(namespace: string, name: string): string {
  return uuidOf(['ReplicaSet', namespace, name])
}

/** The pods that a recorded object made, itself or by way of a ReplicaSet. */
export function podsOf(object: RecordedObject, pods: readonly PodObject[]): readonly PodObject[] {
  return pods.filter(({ metadata }) => {
    const owner = metadata.ownerReferences?.[0]
    if (owner === undefined || metadata.namespace !== object.namespace) return false
    if (object.kind !== 'Deployment') return owner.kind === object.kind && owner.name === object.name
    const hash = metadata.labels?.['pod-template-hash']
    return owner.kind === 'ReplicaSet' && owner.name === `${object.name}-${hash}`
  })
}

/** The ReplicaSets between a Deployment and its pods. */
export function replicaSetsOf(deployment: RecordedObject, pods: readonly PodObject[]): readonly RecordedObject[] {
  const { spec } = deployment.value as V1Deployment
  const names = new Map<string, PodObject>()
  for (const pod of podsOf(deployment, pods)) names.set(pod.metadata.ownerReferences![0]!.name, pod)
  return [...names].map(([name, pod]) => {
    const labels = { 'pod-template-hash': pod.metadata.labels?.['pod-template-hash'] ?? '' }
    const template = spec?.template
    return {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      namespace: deployment.namespace,
      name,
      uid: replicaSetUid(deployment.namespace, name),
      createdAt: pod.metadata.creationTimestamp ?? deployment.createdAt,
      value: {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: {
          name,
          labels: { ...template?.metadata?.labels, ...labels },
          ownerReferences: [
            {
              apiVersion: deployment.apiVersion,
              blockOwnerDeletion: true,
              controller: true,
              kind: deployment.kind,
              name: deployment.name,
              uid: deployment.uid,
            },
          ],
        },
        spec: {
          replicas: spec?.replicas ?? 1,
          selector: { ...spec?.selector, matchLabels: { ...spec?.selector?.matchLabels, ...labels } },
          template: {
            ...template,
            metadata: { ...template?.metadata, labels: { ...template?.metadata?.labels, ...labels } },
          },
        },
      },
    }
  })
}
