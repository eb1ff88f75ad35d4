/** Support for object metadata. */
import type { SupportTable } from './types.ts'

const serverSide = 'an API server keeps it; kube makes its own'

export const metadataSupport: SupportTable = {
  V1ObjectMeta: {
    honoured: 'annotations generateName labels name namespace',
    accepted: {
      creationTimestamp: serverSide,
      deletionGracePeriodSeconds: serverSide,
      deletionTimestamp: serverSide,
      finalizers: 'nothing here waits for a finalizer',
      generation: serverSide,
      managedFields: serverSide,
      ownerReferences: 'kube records itself what owns what',
      resourceVersion: serverSide,
      selfLink: serverSide,
      uid: serverSide,
    },
  },
}
