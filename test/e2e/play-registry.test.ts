/** A play that pulls from a registry with passwords: by flags, and by what the pod names. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, suite, test } from 'node:test'
import { busyboxRootfs } from '../support/busybox-rootfs.ts'
import { dockerArchive } from '../support/image-archive.ts'
import { useKube } from '../support/kube.ts'
import { podManifest } from '../support/manifests.ts'
import { cannotRunPods, lacking } from '../support/need.ts'
import { PASSWORD, TestRegistry, USER } from '../support/registry.ts'

suite('a registry with passwords', {
  skip: cannotRunPods || lacking('docker-registry', 'skopeo'),
}, () => {
  const kube = useKube()
  let registry: TestRegistry
  before(async () => {
    registry = await TestRegistry.start({ auth: 'htpasswd' })
    const archive = `${kube.directory}/busybox-image.tar`
    writeFileSync(archive, dockerArchive([{ layers: [busyboxRootfs()], tags: ['b:1'] }]))
    await registry.push(`docker-archive:${archive}`, 'private/busybox:1')
  })
  after(async () => {
    await registry[Symbol.asyncDispose]()
  })

  const auths = () => {
    const auth = Buffer.from(`${USER}:${PASSWORD}`).toString('base64')
    return JSON.stringify({ auths: { [registry.host]: { auth } } })
  }
  const play = (flags: readonly string[], spec: object = {}, more = '') => {
    const image = { image: `${registry.host}/private/busybox:1`, imagePullPolicy: 'Always' }
    const input = podManifest('locked', [image], { ...spec, terminationGracePeriodSeconds: 0 })
    return kube.run(['play', '--app', 'locked', '--replace', ...flags, '-'], { input: `${input}${more}` })
  }

  test('without a password it says so; with --creds or --authfile it runs', async () => {
    const refused = await play([])
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /wants a user name and a password/)
    assert.equal((await play(['--creds', `${USER}:wrong`])).status, 1)
    assert.equal((await play(['--creds', `${USER}:${PASSWORD}`])).status, 0)
    const file = `${kube.directory}/auth.json`
    writeFileSync(file, auths(), { mode: 0o600 })
    assert.equal((await play(['--authfile', file])).status, 0)
    await kube.ok(['down', 'locked'])
  })

  test('imagePullSecrets let the pod in', async () => {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'door' },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': auths() },
    }
    const { status, stderr } = await play(
      [],
      { imagePullSecrets: [{ name: 'door' }] },
      `\n---\n${JSON.stringify(secret)}`,
    )
    assert.equal(status, 0, stderr)
    await kube.ok(['down', 'locked'])
  })
})
