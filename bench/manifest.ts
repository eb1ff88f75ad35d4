/** Pods of two containers that do nothing, as one manifest. */
import { IMAGE } from './contender.ts'

/** @param sleepSeconds The argument of each container's `sleep`, by which its process is found. */
export function podsManifest(count: number, sleepSeconds: number): string {
  const container = (name: string) => ({
    name,
    image: IMAGE,
    imagePullPolicy: 'Never',
    command: ['sleep', String(sleepSeconds)],
  })
  const pods = Array.from({ length: count }, (_, index) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `bench-${process.pid}-${index}` },
    // sleep does not take SIGTERM as process 1, so that `down` waits for the whole grace period.
    spec: { terminationGracePeriodSeconds: 1, containers: [container('first'), container('second')] },
  }))
  return pods.map(pod => JSON.stringify(pod)).join('\n---\n')
}
