import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describePlan, formatPlan } from './describe-plan.ts'
import { planOf, podOf } from './fixture.ts'

const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: 'geheim' } }
const config = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'pull' },
  stringData: { '.dockerconfigjson': '{"auths":{"x":{"auth":"geheim"}}}' },
}

const plan = planOf(
  podOf(
    {
      command: ['run', '$(A)'],
      env: [
        { name: 'A', value: 'a' },
        { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
        { name: 'C', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
      ports: [{ containerPort: 80, hostPort: 8080 }],
      volumeMounts: [{ name: 'v', mountPath: '/s', readOnly: true }],
    },
    { volumes: [{ name: 'v', secret: { secretName: 's' } }], imagePullSecrets: [{ name: 'pull' }] },
  ),
  [secret, config],
)

test('no secret is printed, in no form', () => {
  for (const text of [JSON.stringify(describePlan([plan])), formatPlan([plan])]) {
    assert.ok(!text.includes('geheim'))
    assert.ok(!text.includes(Buffer.from('geheim').toString('base64')))
    assert.match(text, /Secret/)
  }
})

test('the object names what each container owns and joins', () => {
  const [pod] = describePlan([plan]).pods
  assert.deepEqual(pod?.infra.namespaces, { net: 'owns', ipc: 'owns', uts: 'owns', pid: 'owns' })
  assert.deepEqual(pod?.members[0]?.namespaces, {
    net: 'joins',
    ipc: 'joins',
    uts: 'joins',
    pid: 'owns',
    mount: 'owns',
  })
  assert.deepEqual(pod?.members[0]?.command, ['run', '$(A)'])
})

test('the text', () => {
  assert.equal(
    formatPlan([plan]),
    `pod default/web
  network     bridge kube
  ports       8080 -> web:80/tcp
  volume      v: secret (key)
  infra container
    namespaces  owns net, ipc, uts, pid
    cgroup      /kube/pod<uid>
  container web
    image       web:1 (IfNotPresent)
    command     ["run","$(A)"]
    namespaces  owns pid, mount; joins net, ipc, uts
    env         A=a
    env         B from key key of Secret s
    env         C from status.podIP
    mount       /s from v (read-only)
    cgroup      /kube/pod<uid>/web
`,
  )
})
