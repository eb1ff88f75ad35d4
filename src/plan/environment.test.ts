import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Container } from '@kubernetes/client-node'
import { KubeError } from '../diagnostic.ts'
import { type EnvironmentInputs, expandSubPath, manifestEnvironment, processEnvironment } from './environment.ts'
import { CONTAINER_FACTS, FACTS, findingsOf, firstMember, IMAGE, MACHINE, planOf, podOf } from './fixture.ts'

const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cfg' },
  data: { A: 'from-map', LITERAL: '$(A)', B: 'b' },
  binaryData: { BIN: 'AAECAw==' },
}
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'sec' },
  data: { PASSWORD: Buffer.from('geheim').toString('base64'), A: Buffer.from('old').toString('base64') },
  stringData: { A: 'from-secret' },
}

function inputs(container: Partial<V1Container>, change: Partial<EnvironmentInputs> = {}): EnvironmentInputs {
  const pod = planOf(podOf(container, { enableServiceLinks: true }), [configMap, secret])
  const base = { image: IMAGE, machine: MACHINE, podFacts: FACTS, containerFacts: CONTAINER_FACTS }
  return { pod, member: firstMember(pod), ...base, ...change }
}

function environment(container: Partial<V1Container>, change: Partial<EnvironmentInputs> = {}) {
  return Object.fromEntries(manifestEnvironment(inputs(container, change)))
}

test('env refers to what comes before it, not to what comes after', () => {
  const env = [
    { name: 'A', value: 'a' },
    { name: 'B', value: '$(A)-$(C)-$$(A)' },
    { name: 'C', value: 'c' },
  ]
  assert.deepEqual(environment({ env }), { A: 'a', B: 'a-$(C)-$(A)', C: 'c' })
})

test('envFrom comes before env, is not expanded, and env may refer to it', () => {
  const container = {
    envFrom: [{ configMapRef: { name: 'cfg' } }],
    env: [
      { name: 'A', value: 'mine' },
      { name: 'REF', value: '$(B)/$(A)/$(LITERAL)' },
    ],
  }
  assert.deepEqual(environment(container), { A: 'mine', B: 'b', LITERAL: '$(A)', REF: 'b/mine/$(A)' })
})

test('a later envFrom wins, and a prefix is put before each key', () => {
  const envFrom = [
    { configMapRef: { name: 'cfg' } },
    { secretRef: { name: 'sec' } },
    { prefix: 'P_', secretRef: { name: 'sec' } },
  ]
  const result = environment({ envFrom })
  assert.equal(result.A, 'from-secret')
  assert.equal(result.P_PASSWORD, 'geheim')
})

test('single keys of a ConfigMap and a Secret are taken as they are', () => {
  const env = [
    { name: 'L', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'LITERAL' } } },
    { name: 'P', valueFrom: { secretKeyRef: { name: 'sec', key: 'PASSWORD' } } },
    { name: 'BOTH', value: '$(L)$(P)' },
  ]
  assert.deepEqual(environment({ env }), { L: '$(A)', P: 'geheim', BOTH: '$(A)geheim' })
})

test('optional references leave the variable out, others are findings', () => {
  const reference = (optional: boolean) =>
    podOf({
      env: [
        { name: 'X', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'none', optional } } },
        { name: 'Y', valueFrom: { secretKeyRef: { name: 'none', key: 'k', optional } } },
      ],
      envFrom: [{ configMapRef: { name: 'none', optional } }, { secretRef: { name: 'none', optional } }],
    })
  assert.deepEqual(findingsOf(reference(true), [configMap]), [])
  assert.deepEqual(findingsOf(reference(false), [configMap]), [
    'spec.containers.0.envFrom.0.configMapRef.name: ObjectNotFound',
    'spec.containers.0.envFrom.1.secretRef.name: ObjectNotFound',
    'spec.containers.0.env.0.valueFrom.configMapKeyRef.key: KeyNotFound',
    'spec.containers.0.env.1.valueFrom.secretKeyRef.name: ObjectNotFound',
  ])
})

test('fields of the pod', () => {
  const fields = {
    'metadata.name': 'web',
    'metadata.namespace': 'default',
    'metadata.uid': FACTS.uid,
    "metadata.labels['app']": 'web',
    "metadata.annotations['none']": '',
    'spec.nodeName': 'node-1',
    'spec.serviceAccountName': 'default',
    'status.hostIP': '192.0.2.1',
    'status.hostIPs': '192.0.2.1,2001:db8::1',
    'status.podIP': '10.88.0.7',
    'status.podIPs': '10.88.0.7',
  }
  const paths = Object.keys(fields)
  const env = paths.map((fieldPath, index) => ({ name: `F${index}`, valueFrom: { fieldRef: { fieldPath } } }))
  assert.deepEqual(Object.values(environment({ env })), Object.values(fields))
})

test('resources, rounded up by the divisor; without a limit what the machine has', () => {
  const cases = [
    ['limits.cpu', undefined, '2'],
    ['limits.cpu', '1m', '1500'],
    ['requests.cpu', '1m', '250'],
    ['limits.memory', undefined, '67108864'],
    ['limits.memory', '1Mi', '64'],
    ['limits.memory', '60Mi', '2'],
    ['requests.memory', '1Mi', '64'],
    ['limits.ephemeral-storage', undefined, '0'],
    ['requests.ephemeral-storage', undefined, '0'],
  ] as const
  const env = cases.map(([resource, divisor], index) => ({
    name: `R${index}`,
    valueFrom: { resourceFieldRef: { resource, ...(divisor ? { divisor } : {}) } },
  }))
  const resources = { limits: { cpu: '1500m', memory: '64Mi' }, requests: { cpu: '250m' } }
  assert.deepEqual(
    Object.values(environment({ env, resources })),
    cases.map(([, , expected]) => expected),
  )
  const unlimited = [
    { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Gi' } } },
    { name: 'REQ', valueFrom: { resourceFieldRef: { resource: 'requests.cpu' } } },
  ]
  assert.deepEqual(environment({ env: unlimited }), { CPU: '4', MEM: '8', REQ: '0' })
})

test('variables of Services come first and give way', () => {
  const podFacts = { ...FACTS, serviceEnv: { DB_SERVICE_HOST: '10.96.0.9', A: 'service' } }
  const env = [
    { name: 'A', value: 'a' },
    { name: 'URL', value: 'http://$(DB_SERVICE_HOST)' },
  ]
  assert.deepEqual(environment({ env }, { podFacts }), {
    DB_SERVICE_HOST: '10.96.0.9',
    A: 'a',
    URL: 'http://10.96.0.9',
  })
  const linkless = planOf(podOf({}, { enableServiceLinks: false }))
  assert.deepEqual(environment({}, { podFacts, pod: linkless, member: firstMember(linkless) }), {})
})

test('a value that no process can be given', () => {
  const given = inputs({})
  assert.throws(() => processEnvironment(given, new Map([['X', 'a\0b']])), { code: 'CreateContainerConfigError' })
})

test('a key of an env file', () => {
  const env = [{ name: 'X', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'a.env', key: 'KEY' } } }]
  const withFile = { containerFacts: { ...CONTAINER_FACTS, envFiles: { 'v/a.env': "# c\nKEY='it''\n" } } }
  assert.throws(() => environment({ env }, withFile), { code: 'InvalidEnvFile' })
  const good = {
    containerFacts: { ...CONTAINER_FACTS, envFiles: { 'v/a.env': "# c\n  KEY='a\nb' # x\nKEY='2'\nZ='1'" } },
  }
  assert.deepEqual(environment({ env }, good), { X: 'a\nb' })
  assert.throws(() => environment({ env }), { code: 'KeyNotFound' })
  const valueIn = (text: string) =>
    environment({ env }, { containerFacts: { ...CONTAINER_FACTS, envFiles: { 'v/a.env': text } } }).X
  assert.equal(valueIn("KEY= 'a'\n"), '', 'as in a shell')
  assert.equal(valueIn("a-b.c='1'\nKEY=''\n"), '')
  for (const text of ["KEY ='a'", 'KEY=a', 'KEY="a"', "='a'", 'KEY', "KEY='a"])
    assert.throws(() => valueIn(text), { code: 'InvalidEnvFile' }, text)
})

test('the process has the runtime, the image and the manifest, a later one replacing an earlier one', () => {
  const given = inputs({ env: [{ name: 'IMAGE', value: '2' }] })
  assert.deepEqual(processEnvironment(given, manifestEnvironment(given)), [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOSTNAME=web',
    'IMAGE=2',
    'HOME=/root',
  ])
})

test('PATH, HOME and HOSTNAME of image and manifest are kept; a terminal has a TERM', () => {
  const image = { env: ['PATH=/bin', 'HOME=/srv', 'EMPTY=', 'broken'] }
  const given = inputs({ tty: true, env: [{ name: 'HOSTNAME', value: 'x' }] }, { image })
  assert.deepEqual(processEnvironment(given, manifestEnvironment(given)), [
    'PATH=/bin',
    'TERM=xterm',
    'HOSTNAME=x',
    'HOME=/srv',
    'EMPTY=',
  ])
})

test("on the machine's network HOSTNAME is the machine's", () => {
  const pod = planOf(podOf({}, { hostNetwork: true }))
  const given = inputs({}, { pod, member: firstMember(pod) })
  assert.ok(processEnvironment(given, new Map()).includes('HOSTNAME=node-1'))
})

test('subPathExpr is expanded strictly', () => {
  const variables = new Map(Object.entries({ POD: 'web-0', UP: '../x', ROOT: '/etc' }))
  const expand = (subPathExpr: string) => expandSubPath({ destination: '/d', subPathExpr }, variables)
  assert.equal(expand('logs/$(POD)'), 'logs/web-0')
  assert.equal(expand('$$(POD)'), '$(POD)')
  assert.equal(expandSubPath({ destination: '/d', subPath: '$(POD)' }, variables), '$(POD)')
  for (const bad of ['$(NONE)', '$(UP)', '$(ROOT)']) {
    assert.throws(
      () => expand(bad),
      (error: unknown) => {
        return error instanceof KubeError && error.code === 'CreateContainerConfigError'
      },
    )
  }
})
