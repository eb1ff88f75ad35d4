/** Kubernetes objects of tests: small ones that work, changed by what a test is about. */
import { IMAGE } from './instance.ts'

interface PodParts {
  readonly labels?: object
  readonly annotations?: object
  /** Of the one container. */
  readonly container?: object
  readonly spec?: object
}

/** A pod with one container, `main`, that sleeps until it is killed. */
export function pod(name: string, { labels, annotations, container: parts, spec }: PodParts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    spec: { terminationGracePeriodSeconds: 0, containers: [container('main', parts)], ...spec },
  }
}

/** A container for such a pod. */
export function container(name: string, parts: object = {}): object {
  return { name, image: IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000'], ...parts }
}

export function configMap(name: string, data: object, parts: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data, ...parts }
}

export function secret(name: string, stringData: object, parts: object = {}): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData, ...parts }
}
