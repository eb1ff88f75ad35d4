/** Manifests of tests as text: pods of busybox that run a shell script, ended without patience. */
import { IMAGE } from './instance.ts'

export interface ContainerParts {
  readonly name?: string
  /** Run by sh. Default: sleeps until it is told to stop. */
  readonly script?: string
  readonly [field: string]: unknown
}

const SLEEP = 'trap "exit 0" TERM; sleep 1000 & wait'

/** Of a pod: it runs the script. */
export function shellContainer({ name = 'main', script = SLEEP, ...rest }: ContainerParts = {}): object {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command: ['sh', '-c', script], ...rest }
}

/** A v1 Pod, as text. */
export function podManifest(name: string, containers: readonly ContainerParts[], spec: object = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { terminationGracePeriodSeconds: 1, ...spec, containers: containers.map(shellContainer) },
  })
}
