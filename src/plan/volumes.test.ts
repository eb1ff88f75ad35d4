import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { V1Volume } from '@kubernetes/client-node'
import { fileContents } from './file-contents.ts'
import { FACTS, findingsOf, MACHINE, planOf, podOf } from './fixture.ts'
import type { FilesPlan, VolumePlan } from './types.ts'

const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cfg' },
  data: { 'a.conf': 'A', 'b.conf': 'B' },
  binaryData: { bin: 'AAEC' },
}
const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'sec' },
  data: { key: 'ZGF0YQ==' },
  stringData: { text: 'text', key: 'wins' },
}
const objects = [configMap, secret]

function volume(source: Omit<V1Volume, 'name'>, others: readonly object[] = objects): VolumePlan | undefined {
  const options = { baseDir: () => '/work/app' }
  return planOf(podOf({}, { volumes: [{ name: 'v', ...source }] }), others, options).volumes[0]
}

function findings(source: Omit<V1Volume, 'name'>, others: readonly object[] = objects): readonly string[] {
  return findingsOf(podOf({}, { volumes: [{ name: 'v', ...source }] }), others)
}

/** `path mode content` of each file. */
function files(source: Omit<V1Volume, 'name'>, spec: object = {}): readonly string[] {
  const plan = planOf(
    podOf({ resources: { limits: { cpu: '2' } } }, { volumes: [{ name: 'v', ...source }], ...spec }),
    objects,
  )
  const token = ({
    audience,
    expirationSeconds,
    serviceAccount,
  }: {
    audience: string
    expirationSeconds: number
    serviceAccount: string
  }) => `token ${audience} ${expirationSeconds} ${serviceAccount}`
  const authority = { token, certificate: () => 'certificate' }
  const inputs = { pod: plan, facts: FACTS, machine: MACHINE, authority }
  return fileContents(plan.volumes[0] as FilesPlan, inputs).map(
    ({ path, mode, content }) => `${path} ${mode.toString(8)} ${Buffer.from(content).toString('latin1')}`,
  )
}

test('emptyDir', () => {
  assert.deepEqual(volume({ emptyDir: {} }), { name: 'v', kind: 'emptyDir', medium: 'disk' })
  assert.deepEqual(volume({}), { name: 'v', kind: 'emptyDir', medium: 'disk' })
  assert.deepEqual(volume({ emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }), {
    name: 'v',
    kind: 'emptyDir',
    medium: 'memory',
    sizeLimitBytes: 1_048_576,
  })
  assert.deepEqual(volume({ emptyDir: { medium: 'HugePages-2Mi' } }), {
    name: 'v',
    kind: 'emptyDir',
    medium: 'hugepages',
    pageSizeBytes: 2_097_152,
  })
  assert.deepEqual(findings({ emptyDir: { medium: 'Disk' } }), [
    'spec.volumes.0.emptyDir.medium: FieldValueNotSupported',
  ])
})

test('hostPath: absolute as it is, relative from the manifest and told', () => {
  assert.deepEqual(volume({ hostPath: { path: '/srv', type: 'Directory' } }), {
    name: 'v',
    kind: 'hostPath',
    path: '/srv',
    type: 'Directory',
  })
  const paths = ['./data', 'data', '../data/./x', '../../../../data'].map(path => volume({ hostPath: { path } }))
  assert.deepEqual(
    paths.map(plan => plan?.kind === 'hostPath' && plan.path),
    ['/work/app/data', '/work/app/data', '/work/data/x', '/data'],
  )
  const pod = podOf({}, { volumes: [{ name: 'v', hostPath: { path: './x' } }] })
  assert.deepEqual(findingsOf(pod, [], { baseDir: () => '/a' }), ['spec.volumes.0.hostPath.path: HostPathRelative'])
  assert.deepEqual(findingsOf(pod), ['spec.volumes.0.hostPath.path: FieldValueInvalid'])
})

test('a configMap volume has all keys, binary ones too', () => {
  assert.deepEqual(files({ configMap: { name: 'cfg' } }), ['a.conf 644 A', 'b.conf 644 B', 'bin 644 \x00\x01\x02'])
})

test('items choose keys, paths and modes', () => {
  const items = [
    { key: 'b.conf', path: 'etc/b' },
    { key: 'a.conf', path: 'a', mode: 0o400 },
  ]
  assert.deepEqual(files({ configMap: { name: 'cfg', items, defaultMode: 0o640 } }), ['etc/b 640 B', 'a 400 A'])
})

test('a secret volume stays in memory; stringData wins', () => {
  const plan = volume({ secret: { secretName: 'sec' } })
  assert.equal(plan?.kind === 'files' && plan.medium, 'memory')
  assert.deepEqual(files({ secret: { secretName: 'sec', defaultMode: 0o400 } }), ['key 400 wins', 'text 400 text'])
})

test('with fsGroup the group may read', () => {
  const spec = { securityContext: { fsGroup: 5 } }
  assert.deepEqual(files({ secret: { secretName: 'sec', defaultMode: 0o600 } }, spec), [
    'key 640 wins',
    'text 640 text',
  ])
})

test('what is missing is an error unless it is optional', () => {
  assert.deepEqual(findings({ configMap: { name: 'x' } }), ['spec.volumes.0.configMap.name: ObjectNotFound'])
  assert.deepEqual(findings({ secret: { secretName: 'x' } }), ['spec.volumes.0.secret.secretName: ObjectNotFound'])
  const items = [{ key: 'none', path: 'p' }]
  assert.deepEqual(findings({ configMap: { name: 'cfg', items } }), [
    'spec.volumes.0.configMap.items.0.key: KeyNotFound',
  ])
  assert.deepEqual(files({ configMap: { name: 'x', optional: true } }), [])
  assert.deepEqual(files({ configMap: { name: 'cfg', items, optional: true } }), [])
})

test('paths that would leave the volume are refused', () => {
  for (const path of ['../x', '/x', 'a/../../x', '..data', '']) {
    const items = [{ key: 'a.conf', path }]
    assert.deepEqual(
      findings({ configMap: { name: 'cfg', items } }),
      ['spec.volumes.0.configMap.items.0.path: FieldValueInvalid'],
      path,
    )
  }
})

test('downwardAPI', () => {
  const items = [
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'one', fieldRef: { fieldPath: "metadata.labels['app']" } },
    { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } },
    { path: 'cpu', resourceFieldRef: { containerName: 'web', resource: 'limits.cpu', divisor: '1m' } },
  ]
  assert.deepEqual(files({ downwardAPI: { items } }), [
    'labels 644 app="web"',
    'one 644 web',
    `uid 644 ${FACTS.uid}`,
    'cpu 644 2000',
  ])
})

test('projected: all sources in one place, a later file over an earlier one', () => {
  const sources = [
    { configMap: { name: 'cfg', items: [{ key: 'a.conf', path: 'same' }] } },
    { secret: { name: 'sec', items: [{ key: 'text', path: 'same' }] } },
    { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
    { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } },
    { configMap: { name: 'none', optional: true } },
  ]
  assert.deepEqual(files({ projected: { sources, defaultMode: 0o440 } }), [
    'same 440 text',
    'name 440 web',
    'token 440 token vault 600 default',
  ])
  const plan = volume({ projected: { sources } })
  assert.equal(plan?.kind === 'files' && plan.medium, 'memory')
  assert.deepEqual(findings({ projected: { sources: [{ clusterTrustBundle: { path: 'x' } }] } }), [
    'spec.volumes.0.projected.sources.0.clusterTrustBundle: FieldNotSupported',
  ])
})

const claim = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'pvc' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const persistent = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'pv' },
  spec: { accessModes: ['ReadWriteOnce'], ...spec },
})

test("a claim is a directory of kube's own, or its PersistentVolume's path", () => {
  const source = { persistentVolumeClaim: { claimName: 'pvc' } }
  const base = {
    name: 'v',
    kind: 'claim',
    namespace: 'default',
    claim: 'pvc',
    readOnly: false,
    ephemeral: false,
    block: false,
  }
  assert.deepEqual(volume(source, []), base)
  assert.deepEqual(findings(source, []), ['spec.volumes.0.persistentVolumeClaim.claimName: ClaimNotDefined'])
  assert.deepEqual(volume(source, [claim({})]), { ...base, sizeBytes: 2 ** 30 })
  const bound = claim({ volumeName: 'pv' })
  assert.deepEqual(volume(source, [bound, persistent({ hostPath: { path: '/srv', type: 'Directory' } })]), {
    ...base,
    sizeBytes: 2 ** 30,
    path: '/srv',
    pathType: 'Directory',
  })
  assert.deepEqual(volume(source, [bound, persistent({ local: { path: '/disk' } })]), {
    ...base,
    sizeBytes: 2 ** 30,
    path: '/disk',
    pathType: '',
  })
})

test('a claim that cannot be bound', () => {
  const source = { persistentVolumeClaim: { claimName: 'pvc' } }
  const at = 'spec.volumes.0.persistentVolumeClaim'
  const bound = claim({ volumeName: 'pv' })
  assert.deepEqual(findings(source, [bound, persistent({ nfs: { server: 's', path: '/' } })]), [
    `${at}.claimName: FieldNotSupported`,
  ])
  assert.deepEqual(findings(source, [bound, persistent({ accessModes: ['ReadOnlyMany'], local: { path: '/d' } })]), [
    `${at}.claimName: ClaimNotBound`,
  ])
  const reserved = persistent({ local: { path: '/d' }, claimRef: { name: 'other', namespace: 'default' } })
  assert.deepEqual(findings(source, [bound, reserved]), [`${at}.claimName: ClaimNotBound`])
  assert.deepEqual(findings(source, [claim({ volumeMode: 'Block' })]), [`${at}: FieldNotSupported`])
})

test('an ephemeral volume is a claim named after pod and volume', () => {
  const source = { ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1Mi' } } } } } }
  assert.deepEqual(volume(source), {
    name: 'v',
    kind: 'claim',
    namespace: 'default',
    claim: 'web-v',
    readOnly: false,
    ephemeral: true,
    block: false,
    sizeBytes: 2 ** 20,
  })
})

test('an image volume', () => {
  assert.deepEqual(volume({ image: { reference: 'files:1' } }), {
    name: 'v',
    kind: 'image',
    reference: 'files:1',
    pullPolicy: 'IfNotPresent',
  })
})

test('volumes of other machines are refused', () => {
  assert.deepEqual(findings({ csi: { driver: 'd' } }), ['spec.volumes.0.csi: FieldNotSupported'])
  assert.deepEqual(findings({ awsElasticBlockStore: { volumeID: 'x' } }), [
    'spec.volumes.0.awsElasticBlockStore: FieldNotSupported',
  ])
})
