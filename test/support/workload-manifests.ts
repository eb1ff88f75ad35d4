/** Workloads of tests: pods of busybox that differ in one variable. */
import { shellContainer } from './manifests.ts'

export interface WorkloadParts {
  /** Told to the container as VERSION. Default `1`. */
  readonly version?: string
  /** Run by sh. */
  readonly script?: string
  readonly container?: object
  readonly pod?: object
  readonly spec?: object
}

/** A pod template with the label `app`. */
export function podTemplate(app: string, { version = '1', script, container: parts, pod }: WorkloadParts = {}): object {
  const env = [{ name: 'VERSION', value: version }]
  return {
    metadata: { labels: { app } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [shellContainer({ ...(script === undefined ? {} : { script }), env, ...parts })],
      ...pod,
    },
  }
}

/** A workload of apps/v1, as text. */
export function workloadManifest(kind: string, name: string, parts: WorkloadParts = {}): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: {
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      selector: { matchLabels: { app: name } },
      template: podTemplate(name, parts),
      ...parts.spec,
    },
  })
}

/** A Job, as text. */
export function jobManifest(name: string, { pod, spec, ...parts }: WorkloadParts): string {
  const template = podTemplate(name, { ...parts, pod: { restartPolicy: 'Never', ...pod } })
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: { template, ...spec } })
}
