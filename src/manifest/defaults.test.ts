import assert from 'node:assert/strict'
import test from 'node:test'
import { withDefaults } from './defaults.ts'
import { defaultPullPolicy } from './defaults-pod.ts'
import type { KubernetesObject } from './types.ts'

function object(apiVersion: string, kind: string, rest: object): KubernetesObject {
  return { apiVersion, kind, metadata: { name: 'web' }, ...rest }
}

const defaultedContainer = {
  name: 'a',
  image: 'busybox:1.36',
  imagePullPolicy: 'IfNotPresent',
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  resources: {},
}

const defaultedSpec = {
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
}

test('a pod gets what an API server fills in, and the original stays as it is', () => {
  const pod = object('v1', 'Pod', { spec: { containers: [{ name: 'a', image: 'busybox:1.36' }] } })
  const before = structuredClone(pod)
  assert.deepEqual(withDefaults(pod), {
    ...pod,
    spec: { ...defaultedSpec, enableServiceLinks: true, containers: [defaultedContainer] },
  })
  assert.deepEqual(pod, before)
})

test('what is written stays', () => {
  const spec = { ...defaultedSpec, restartPolicy: 'Never', terminationGracePeriodSeconds: 0, enableServiceLinks: false }
  const pod = object('v1', 'Pod', {
    spec: { ...spec, containers: [{ ...defaultedContainer, resources: { limits: {} } }] },
  })
  assert.deepEqual(withDefaults(withDefaults(pod)), withDefaults(pod))
  assert.equal((withDefaults(pod) as unknown as { spec: typeof spec }).spec.terminationGracePeriodSeconds, 0)
})

test('the pull policy follows from the tag', () => {
  const cases = {
    busybox: 'Always',
    'busybox:latest': 'Always',
    'busybox:1.36': 'IfNotPresent',
    'localhost:5000/busybox': 'Always',
    'localhost:5000/busybox:1': 'IfNotPresent',
    'busybox@sha256:0a': 'IfNotPresent',
    'busybox:latest@sha256:0a': 'Always',
  }
  for (const [image, policy] of Object.entries(cases)) assert.equal(defaultPullPolicy(image), policy, image)
})

test('requests follow from limits in a pod, not in a template', () => {
  const containers = [
    { name: 'a', image: 'b', resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '0.5' } } },
  ]
  const pod = withDefaults(object('v1', 'Pod', { spec: { containers } })) as { spec?: unknown }
  assert.match(JSON.stringify(pod.spec), /"requests":\{"cpu":"0.5","memory":"1Gi"\}/)
  const deployment = withDefaults(object('apps/v1', 'Deployment', { spec: { template: { spec: { containers } } } }))
  assert.match(JSON.stringify(deployment), /"requests":\{"cpu":"0.5"\}/)
})

test('a pod that says something about itself asks for what its containers do, else for what it is limited to', () => {
  const requestsOf = (resources: object, containers: readonly object[], initContainers: readonly object[] = []) => {
    const pod = withDefaults(object('v1', 'Pod', { spec: { resources, containers, initContainers } }))
    return (pod as { spec?: { resources?: { requests?: object } } }).spec?.resources?.requests
  }
  const asking = (cpu: string, more: object = {}) => ({
    name: cpu,
    image: 'b',
    resources: { requests: { cpu } },
    ...more,
  })
  const limits = { cpu: '1', memory: '100Mi' }
  assert.deepEqual(requestsOf({ limits }, [{ name: 'a', image: 'b' }]), limits)
  assert.deepEqual(requestsOf({ limits }, [asking('100m'), asking('0.2')]), { cpu: '300m', memory: '100Mi' })
  assert.deepEqual(requestsOf({ limits, requests: { cpu: '7m' } }, [asking('100m')]), { cpu: '7m', memory: '100Mi' })
  const side = asking('50m', { restartPolicy: 'Always' })
  assert.deepEqual(requestsOf({ limits: { cpu: '2' } }, [asking('100m')], [side, asking('500m')]), { cpu: '550m' })
})

test('ports, probes, volumes and references', () => {
  const spec = {
    hostNetwork: true,
    containers: [
      {
        name: 'a',
        image: 'b:1',
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 80 } },
        env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      },
    ],
    volumes: [
      { name: 'a' },
      { name: 'b', secret: { secretName: 's' } },
      { name: 'c', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      { name: 'd', hostPath: { path: '/d' } },
    ],
  }
  const pod = withDefaults(object('v1', 'Pod', { spec })) as unknown as { spec: typeof spec }
  assert.deepEqual(pod.spec.containers[0]?.ports, [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }])
  assert.deepEqual(pod.spec.containers[0]?.livenessProbe, {
    httpGet: { port: 80, path: '/', scheme: 'HTTP' },
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
  })
  assert.deepEqual(pod.spec.containers[0]?.env[0]?.valueFrom.fieldRef, { apiVersion: 'v1', fieldPath: 'metadata.name' })
  assert.deepEqual(pod.spec.volumes, [
    { name: 'a', emptyDir: {} },
    { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
    {
      name: 'c',
      projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }], defaultMode: 420 },
    },
    { name: 'd', hostPath: { path: '/d', type: '' } },
  ])
})

test('workloads, services and claims', () => {
  const filled = (apiVersion: string, kind: string, spec: object): unknown =>
    Reflect.get(withDefaults(object(apiVersion, kind, { spec })), 'spec')
  assert.deepEqual(filled('apps/v1', 'Deployment', {}), {
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  })
  assert.deepEqual(filled('apps/v1', 'Deployment', { replicas: 0, strategy: { type: 'Recreate' } }), {
    replicas: 0,
    strategy: { type: 'Recreate' },
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  })
  assert.deepEqual(filled('batch/v1', 'Job', {}), {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: 'TerminatingOrFailed',
  })
  assert.deepEqual(filled('batch/v1', 'CronJob', { schedule: '@daily' }), {
    schedule: '@daily',
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  })
  assert.deepEqual(filled('v1', 'Service', { ports: [{ port: 80 }] }), {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    sessionAffinity: 'None',
    type: 'ClusterIP',
    internalTrafficPolicy: 'Cluster',
  })
  assert.deepEqual(filled('networking.k8s.io/v1', 'NetworkPolicy', { podSelector: {}, egress: [{}] }), {
    podSelector: {},
    egress: [{}],
    policyTypes: ['Ingress', 'Egress'],
  })
  assert.deepEqual(filled('v1', 'PersistentVolumeClaim', {}), { volumeMode: 'Filesystem' })
})
