/** ConfigMaps and Secrets that change while their pods run. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { cannotRunPods } from '../support/need.ts'
import { configMap, pod, secret } from '../support/objects.ts'

describe('updates of running pods', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()

  const uidOf = (name: string): string => kube.get('pod', name).metadata.uid

  const reader = (name: string) =>
    pod(name, {
      container: {
        volumeMounts: [
          { name: 'c', mountPath: '/c' },
          { name: 's', mountPath: '/s' },
          { name: 'p', mountPath: '/p' },
          { name: 'c', mountPath: '/one', subPath: 'a' },
        ],
      },
      spec: {
        volumes: [
          { name: 'c', configMap: { name: 'cm' } },
          { name: 's', secret: { secretName: 'sec' } },
          { name: 'p', projected: { sources: [{ configMap: { name: 'cm' } }, { secret: { name: 'sec' } }] } },
        ],
      },
    })

  test('the files of a running pod change all at once; a subPath mount and the pod itself stay', () => {
    kube.play('app', configMap('cm', { a: 'one', gone: 'x' }), secret('sec', { k: 'old' }), reader('web'))
    const uid = uidOf('web')
    const data = kube.sh('web', 'readlink /c/..data')
    const again = kube.play(
      'app',
      configMap('cm', { a: 'two', b: 'new' }),
      secret('sec', { k: 'fresh' }),
      reader('web'),
    )
    assert.match(again, /configmap\/cm configured/)
    assert.match(again, /pod\/web unchanged/)
    assert.equal(uidOf('web'), uid)
    assert.equal(kube.sh('web', 'cat /c/a; echo; cat /s/k; echo; cat /p/a; cat /p/k'), 'two\nfresh\ntwofresh')
    assert.equal(kube.sh('web', 'ls -A /c | grep -v "^[.][.][0-9]"'), '..data\na\nb')
    assert.equal(kube.sh('web', 'ls -A /c | grep -c "^[.][.][0-9]"'), '1')
    assert.notEqual(kube.sh('web', 'readlink /c/..data'), data)
    assert.equal(kube.sh('web', 'cat /one'), 'one', 'as under a kubelet')
    kube.down('app')
  })

  test('what does not change is not touched', () => {
    kube.play('app', configMap('cm', { a: 'one' }), secret('sec', { k: 'old' }), reader('web'))
    const before = kube.sh('web', 'readlink /c/..data; readlink /s/..data')
    kube.play('app', configMap('cm', { a: 'one' }), secret('sec', { k: 'new' }), reader('web'))
    const now = kube.sh('web', 'readlink /c/..data; readlink /s/..data')
    assert.equal(now.split('\n')[0], before.split('\n')[0])
    assert.notEqual(now.split('\n')[1], before.split('\n')[1])
    kube.down('app')
  })

  test('the pods of another app follow too', () => {
    kube.play('config', configMap('cm', { a: 'one' }), secret('sec', { k: 'x' }))
    kube.play('user', reader('web'))
    kube.play('config', configMap('cm', { a: 'two' }), secret('sec', { k: 'x' }))
    assert.equal(kube.sh('web', 'cat /c/a'), 'two')
    kube.down('user')
    kube.down('config')
  })

  test('labels and annotations change under a running pod, and the volumes that show them follow', () => {
    const shown = (value: string) =>
      pod('shown', {
        labels: { key: value },
        annotations: { note: value },
        container: {
          env: [{ name: 'KEY', valueFrom: { fieldRef: { fieldPath: "metadata.labels['key']" } } }],
          volumeMounts: [{ name: 'i', mountPath: '/i' }],
        },
        spec: {
          volumes: [
            {
              name: 'i',
              downwardAPI: {
                items: ['labels', 'annotations'].map(path => ({ path, fieldRef: { fieldPath: `metadata.${path}` } })),
              },
            },
          ],
        },
      })
    kube.play('shown', shown('one'))
    const uid = uidOf('shown')
    assert.match(kube.play('shown', shown('two')), /pod\/shown configured/)
    assert.equal(uidOf('shown'), uid)
    assert.equal(
      kube.sh('shown', 'cat /i/labels; echo; cat /i/annotations; echo; echo $KEY'),
      'key="two"\nnote="two"\none',
    )
    assert.equal(kube.get('pod', 'shown').metadata.labels?.key, 'two')
    assert.match(kube.ok('get', 'pods', '-l', 'key=two'), /shown/)
    assert.match(kube.play('shown', shown('two')), /pod\/shown unchanged/)
    kube.down('shown')
  })

  test('optional objects come and go; what needs one that is gone keeps it', () => {
    const names = ['a', 'b', 'c']
    kube.play(
      'user',
      pod('web', {
        container: { volumeMounts: names.map(name => ({ name, mountPath: `/v/${name}` })) },
        spec: {
          volumes: [
            { name: 'a', configMap: { name: 'late', optional: true } },
            {
              name: 'b',
              projected: {
                sources: [
                  { configMap: { name: 'late', optional: true } },
                  { secret: { name: 'sec', optional: true } },
                  { serviceAccountToken: { path: 'token' } },
                ],
              },
            },
            { name: 'c', configMap: { name: 'needed' } },
          ],
        },
      }),
      configMap('needed', { k: 'v' }),
    )
    const files = () => kube.sh('web', 'cd /v; ls -d */*').split('\n')
    assert.deepEqual(files(), ['b/token', 'c/k'])
    kube.play('config', configMap('late', { k: '1' }), secret('sec', { s: 'x' }))
    assert.deepEqual(files(), ['a/k', 'b/k', 'b/s', 'b/token', 'c/k'])
    kube.ok('delete', 'configmap', 'needed')
    kube.ok('delete', 'configmap', 'late')
    assert.deepEqual(files(), ['b/s', 'b/token', 'c/k'])
    kube.down('config')
    assert.deepEqual(files(), ['b/token', 'c/k'])
    kube.down('user')
  })

  test('a variable that changes makes the pod anew', () => {
    const env = pod('env', { container: { envFrom: [{ configMapRef: { name: 'cm' } }] } })
    kube.play('env', configMap('cm', { A: 'one' }), env)
    const uid = uidOf('env')
    kube.play('env', configMap('cm', { A: 'two' }), env)
    assert.notEqual(uidOf('env'), uid)
    assert.equal(kube.sh('env', 'echo $A'), 'two')
    kube.down('env')
  })

  test('an immutable object cannot change', () => {
    const immutable = { immutable: true }
    kube.play('fixed', configMap('fixed', { a: '1' }, immutable), secret('fixed', { a: '1' }, immutable))
    const said = kube.playFails('fixed', configMap('fixed', { a: '2' }), secret('fixed', { a: '2' }, immutable))
    assert.match(said, /immutable: Forbidden: field is immutable when `immutable` is set/)
    assert.equal(said.match(/data: Forbidden: field is immutable/g)?.length, 2)
    kube.play('fixed', configMap('fixed', { a: '1' }, immutable), secret('fixed', { a: '1' }, immutable))
    kube.ok('down', 'fixed')
  })
})
