import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { errorsIn, placesIn } from '../../test/support/findings.ts'
import { formatPath } from '../diagnostic.ts'
import { readManifests } from './read.ts'

const validFolder = new URL('../../fixtures/manifest/valid/', import.meta.url)

const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: a\n    image: b\n'

async function valuesOf(text: string): Promise<readonly unknown[]> {
  const { objects } = await readManifests([{ name: 'x', text }])
  return objects.map(object => object.value)
}

for (const name of readdirSync(validFolder))
  test(`${name} has no errors`, async () => {
    const text = readFileSync(new URL(name, validFolder), 'utf8')
    assert.deepEqual(await errorsIn(text), [])
  })

test('objects know their identity, and where their fields stand', async () => {
  const text = `# comment\n---\n${pod}---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: team\n`
  const { objects, diagnostics } = await readManifests([{ name: 'a.yaml', text }], { namespace: 'other' })
  assert.deepEqual(
    objects.map(({ kind, namespace, name, file, document }) => [kind, namespace, name, file, document]),
    [
      ['Pod', 'other', 'web', 'a.yaml', 0],
      ['Namespace', '', 'team', 'a.yaml', 1],
    ],
  )
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['KindAccepted'],
  )
  const [first, second] = objects
  assert.deepEqual(first?.locate(['spec', 'containers', 0, 'image']), { line: 9, column: 12 })
  assert.deepEqual(first?.locate(['spec', 'containers', 0, 'env', 3]), { line: 8, column: 5 })
  assert.deepEqual(first?.locate([]), { line: 3, column: 1 })
  assert.deepEqual(second?.locate(['metadata', 'name']), { line: 14, column: 9 })
})

test('every error of every document at once, in order, each with its place', async () => {
  const text = `${pod}    ports: [{containerPort: 0}]
    imagePulPolicy: Never
---
a: b: c
---
kind: Pod
---
${pod.replace('image: b', 'image: 5')}`
  assert.deepEqual(await errorsIn(text), [
    'spec.containers[0].ports[0].containerPort: Required value',
    'unknown field "spec.containers[0].imagePulPolicy"',
    ': Nested mappings are not allowed in compact mappings',
    "apiVersion: Required value: Object 'apiVersion' is missing",
    'spec.containers[0].image: Invalid value: 5: cannot unmarshal number into Go struct field Container.spec.containers.image of type string',
  ])
  assert.deepEqual(await placesIn(text), ['8:29', '9:5', '11:4', '13:1', '21:12'])
})

test('a part of a wrong type does not hide the rest, and is told once', async () => {
  const text = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: two
  selector: {matchLabels: {app: 1}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: {name: a}
      restartPolicy: Never
`
  assert.deepEqual(await errorsIn(text), [
    'spec.replicas: Invalid value: "two": cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    'spec.selector.matchLabels.app: Invalid value: 1: cannot unmarshal number into Go struct field LabelSelector.spec.selector.matchLabels of type string',
    'spec.template.spec.containers: Invalid value: {"name":"a"}: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container',
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
  ])
})

test('null is absent, and empty where Go has a zero value', async () => {
  const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: c, creationTimestamp: null, labels: ~}
data: {a: , b: null}
immutable:
`
  assert.deepEqual(await valuesOf(text), [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: { a: '', b: '' } },
  ])
  assert.deepEqual(await errorsIn('apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: }'), [
    'spec.containers: Required value',
  ])
})

test('lists are their items, however deep', async () => {
  const item = (name: string): string => `{apiVersion: v1, kind: ConfigMap, metadata: {name: ${name}}}`
  const text = `{apiVersion: v1, kind: List, items: [${item('a')}, {apiVersion: v1, kind: List, items: [${item('b')}]}]}`
  const { objects } = await readManifests([{ name: 'x', text }])
  assert.deepEqual(
    objects.map(object => object.name),
    ['a', 'b'],
  )
  const typed = 'apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: c}\n  dat: {}\n'
  assert.deepEqual(await errorsIn(typed), ['unknown field "dat"'])
  assert.deepEqual(await placesIn(typed), ['5:3'])
})

test('unknown kinds are errors, or warnings when they are to be skipped', async () => {
  const text = 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {anything: 1}\n'
  const strict = await readManifests([{ name: 'x', text }])
  assert.deepEqual(
    strict.diagnostics.map(({ severity, code }) => [severity, code]),
    [['error', 'UnknownKind']],
  )
  const lenient = await readManifests([{ name: 'x', text }], { skipUnknown: true })
  assert.deepEqual(
    lenient.diagnostics.map(({ severity, code }) => [severity, code]),
    [['warning', 'UnknownKind']],
  )
  const hints = async (line: string): Promise<readonly (string | undefined)[]> => {
    const { diagnostics } = await readManifests([{ name: 'x', text: `${line}\nmetadata: {name: a}` }])
    return diagnostics.map(({ hint }) => hint)
  }
  assert.deepEqual(await hints('apiVersion: extensions/v1beta1\nkind: Ingress'), [
    'Kubernetes no longer serves extensions/v1beta1: use apiVersion networking.k8s.io/v1',
  ])
  assert.deepEqual(await hints('apiVersion: v1\nkind: Deployment'), ['Deployment is in apiVersion apps/v1'])
  assert.deepEqual(await hints('apiVersion: apps/v1\nkind: Deploymnet'), ['did you mean "Deployment"?'])
  assert.deepEqual(await hints('apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization'), [
    'this is for kustomize: build it with -k and its directory',
  ])
})

test('what is no manifest is told apart', async () => {
  const found = async (text: string): Promise<readonly string[]> => {
    const { diagnostics } = await readManifests([{ name: 'x', text }])
    return diagnostics.map(({ code, hint }) => `${code}: ${hint}`)
  }
  assert.deepEqual(await found('version: "3"\nservices: {web: {image: nginx}}\n'), [
    'FieldValueRequired: this looks like a compose file: `kompose convert` makes manifests of one',
  ])
  const template = 'this looks like a template: render it first, as with `helm template`'
  assert.deepEqual(
    await found('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n{{- if .b }}\ndata: {}\n{{- end }}\n'),
    [`YamlSyntax: ${template}`],
  )
  assert.ok((await found(`${pod}    workingDir: {{ .dir }}\n`)).includes(`YamlKey: ${template}`))
  assert.deepEqual(await found('apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: a}\n'), [
    'UnknownKind: kube does not know this kind; --skip-unknown passes over it',
  ])
  assert.deepEqual(await found('apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: a}\n'), [
    'UnknownKind: Kubernetes has had no PodSecurityPolicy since 1.25: leave it out',
  ])
})

test('kinds that the set itself defines are accepted', async () => {
  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Widget, plural: widgets}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`
  const widget = 'apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}\n'
  assert.deepEqual(await errorsIn(`${widget}---\n${definition}`), [])
  assert.equal((await errorsIn(`${widget.replace('v1', 'v2')}---\n${definition}`)).length, 1)
})

test('an unknown field gets the nearest name, or the place where it belongs', async () => {
  const hintOf = async (text: string): Promise<string | undefined> => {
    const { diagnostics } = await readManifests([{ name: 'x', text }])
    return diagnostics.find(({ code }) => code === 'FieldUnknown')?.hint
  }
  assert.equal(await hintOf(`${pod}    volumemounts: []`), 'did you mean "volumeMounts"?')
  assert.equal(await hintOf(`${pod}    volumes: []`), '"volumes" belongs to spec: check the indentation')
  assert.equal(await hintOf(`${pod}    securityContext: {fsGroup: 1}`), '"fsGroup" belongs to spec.securityContext')
  assert.equal(
    await hintOf('apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nreplicas: 1'),
    'did you mean "spec.replicas", one level down?',
  )
  assert.equal(await hintOf(`${pod}    xyzzy: 1`), undefined)
  assert.equal(
    await hintOf(`${pod}    securityContext: {seLinuxOptions: {filetype: usr_t}}`),
    'only podman has it, and no cluster: leave it out',
  )
})

test('a value gets the nearest one that would do', async () => {
  const hintOf = async (line: string): Promise<string | undefined> => {
    const { diagnostics } = await readManifests([{ name: 'x', text: `${pod}    ${line}` }])
    return diagnostics.find(({ severity }) => severity === 'error')?.hint
  }
  assert.equal(await hintOf('imagePullPolicy: always'), 'did you mean "Always"?')
  assert.equal(await hintOf('imagePullPolicy: missing'), 'did you mean "IfNotPresent"?')
  assert.equal(await hintOf('ports: [{containerPort: 53, protocol: udp}]'), 'did you mean "UDP"?')
  assert.equal(await hintOf('imagePullPolicy: whenever'), undefined)
  assert.equal(
    await hintOf('securityContext: {privileged: true, procMount: Unmasked}'),
    'leave it out: a privileged container sees all of /proc',
  )
  assert.equal(await hintOf('envFrom: [{configMapRef: {name: myConfig_Map}}]'), '"my-config-map" would do')
})

test('the same object twice: the later one counts, the earlier one is warned about', async () => {
  const map = (value: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: "${value}"}\n`
  const { objects, diagnostics } = await readManifests([
    { name: 'a.yaml', text: map('1') },
    { name: 'b.yaml', text: map('2') },
  ])
  assert.deepEqual(
    objects.map(object => object.file),
    ['b.yaml'],
  )
  assert.deepEqual(
    diagnostics.map(({ severity, code, message }) => [severity, code, message]),
    [['warning', 'DuplicateObject', 'ConfigMap a is defined again at b.yaml:3, which replaces this one']],
  )
})

test('references that lead nowhere and services that select nothing are noticed', async () => {
  const text = `${pod}    envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s, optional: true}}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: x}, ports: [{port: 80}]}
`
  const { diagnostics } = await readManifests([{ name: 'x', text }])
  const notices = diagnostics.filter(({ severity }) => severity === 'notice')
  assert.deepEqual(
    notices.map(({ code, path, position }) => [code, formatPath(path), position?.line]),
    [
      ['ReferenceNotFound', 'spec.containers[0].envFrom[0].configMapRef.name', 8],
      ['SelectorMatchesNothing', 'spec.selector', 13],
    ],
  )
})

test('a namespace that is given by itself has to be a name, too', async () => {
  const texts = [{ name: 'x', text: pod }]
  for (const namespace of ['../..', 'a/b', 'A', 'a.b', '\u001b[31m'])
    await assert.rejects(readManifests(texts, { namespace }), { code: 'Usage', exitStatus: 2 })
  for (const [namespace, expected] of Object.entries({ 'team-1': 'team-1', '': 'default' }))
    assert.equal((await readManifests(texts, { namespace })).objects[0]?.namespace, expected)
})

test('the ConfigMap that every namespace has is there', async () => {
  const volume = (name: string) =>
    `    volumeMounts: [{name: v, mountPath: /m}]\n  volumes: [{name: v, configMap: {name: ${name}}}]\n`
  const codesOf = async (name: string) => {
    const { diagnostics } = await readManifests([{ name: 'x', text: pod + volume(name) }])
    return diagnostics.map(({ code }) => code)
  }
  assert.deepEqual(await codesOf('kube-root-ca.crt'), [])
  assert.deepEqual(await codesOf('other'), ['ReferenceNotFound'])
})

test('a ReplicationController is searched for references like a ReplicaSet', async () => {
  const text = `apiVersion: v1
kind: ReplicationController
metadata: {name: web}
spec:
  selector: {app: web}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: a, image: b, envFrom: [{configMapRef: {name: c}}]}]}
`
  const { diagnostics } = await readManifests([{ name: 'x', text }])
  assert.deepEqual(
    diagnostics.map(({ code, path }) => [code, formatPath(path)]),
    [['ReferenceNotFound', 'spec.template.spec.containers[0].envFrom[0].configMapRef.name']],
  )
})

test('the time for many findings of one document grows as they do', async () => {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n${'  k: v\n'.repeat(30_000)}`
  const blank = `a: b: c\n${'\n'.repeat(100_000)}`
  const started = process.cpuUsage()
  assert.equal((await errorsIn(text)).length, 29_999)
  assert.equal((await errorsIn(blank)).length, 1)
  const { user } = process.cpuUsage(started)
  // A second or so; square growth takes half a minute.
  assert.ok(user < 8_000_000, `${user / 1e6} s`)
})

test('who refers to an object that has an error of its own has none', async () => {
  const broken = (text: string) => `${pod}    envFrom: [{configMapRef: {name: c}}]\n---\n${text}`
  const header = 'apiVersion: v1\nkind: ConfigMap\n'
  for (const [text, rejected] of [
    [`${header}metadata: {name: c}\ndata: {a b: x}`, { kind: 'ConfigMap', namespace: 'default', name: 'c' }],
    [`${header}metadata: {name: c}\ndata: {a: x, a: y}`, { kind: 'ConfigMap', namespace: 'default', name: 'c' }],
    [`${header}data: {a: x}`, { kind: 'ConfigMap', namespace: 'default' }],
    [`${header}metadata: {name: c\n`, {}],
    ['kind: ConfigMap\nmetadata: {name: c}', {}],
  ] as const) {
    const read = await readManifests([{ name: 'x', text: broken(text) }])
    assert.deepEqual(read.rejected, [rejected], text)
    const severities = new Set(read.diagnostics.map(({ severity }) => severity))
    assert.deepEqual([...severities], ['error'], text)
  }
  for (const text of [
    `${header}metadata: {name: other}\ndata: {a b: x}`,
    `${header}metadata: {name: c, namespace: other}\ndata: {a b: x}`,
    'apiVersion: v1\nkind: ConfgMap\nmetadata: {name: c}',
  ]) {
    const { diagnostics } = await readManifests([{ name: 'x', text: broken(text) }])
    assert.ok(
      diagnostics.some(({ code }) => code === 'ReferenceNotFound'),
      text,
    )
  }
})

test('a service is not said to select nothing where a pod has errors', async () => {
  const service = `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: x}, ports: [{port: 80}]}
`
  const text = `${pod}---\n${pod.replace(/name: \w+/, 'name: Q')}---\n${service}`
  const { diagnostics } = await readManifests([{ name: 'x', text }])
  assert.ok(diagnostics.length > 0)
  assert.ok(diagnostics.every(({ code }) => code !== 'SelectorMatchesNothing'))
})

test('refused fields keep an object from being run, and are warnings where that is asked for', async () => {
  const text = `${pod}  volumes: [{name: v, nfs: {server: a, path: /b}}]\n`
  const strict = await readManifests([{ name: 'x', text }])
  assert.equal(strict.objects.length, 0)
  assert.deepEqual(
    strict.diagnostics.map(({ severity, code, path, position }) => [severity, code, formatPath(path), position]),
    [['error', 'FieldNotSupported', 'spec.volumes[0].nfs', { line: 8, column: 23 }]],
  )
  const lenient = await readManifests([{ name: 'x', text }], { refusals: 'warning' })
  assert.equal(lenient.objects.length, 1)
  assert.deepEqual(
    lenient.diagnostics.map(({ severity }) => severity),
    ['warning'],
  )
})

test('the values of a Secret are never told', async () => {
  const text = `apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {pin: 12345}
data: {key: hunter2!, list: [hunter2]}
`
  const { diagnostics } = await readManifests([{ name: 'x', text }])
  assert.equal(diagnostics.length, 3)
  for (const diagnostic of diagnostics) {
    assert.equal(diagnostic.isSecret, true)
    assert.doesNotMatch(JSON.stringify(diagnostic), /12345|hunter2/)
  }
})

test('a bomb of aliases is refused in no time', async () => {
  const levels = 'abcdefghi'.split('')
  const bomb = levels.map((name, at) => {
    const inner = at === 0 ? '"lol"' : `*${levels[at - 1]}`
    return `${name}: &${name} [${Array(9).fill(inner).join(', ')}]`
  })
  const start = performance.now()
  assert.deepEqual(await errorsIn(bomb.join('\n')), [': document contains excessive aliasing'])
  assert.ok(performance.now() - start < 2000)
})

test('hostile nesting, long lines and wide maps are read or refused, never crashed on', async () => {
  for (const text of ['['.repeat(100_000), '{a: '.repeat(50_000), '- '.repeat(50_000)])
    assert.deepEqual(await errorsIn(text), [': exceeded max depth of 500'])
  for (const text of [`a:${'\n- '.repeat(20_000)}`, '{}'.repeat(100_000), 'a:\n'.repeat(20_000)])
    assert.ok((await errorsIn(text)).length > 0)
  const keys = Array.from({ length: 50_000 }, (_, index) => `  k${index}: v`).join('\n')
  assert.deepEqual(await errorsIn(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n${keys}\n`), [])
  const errors = await errorsIn(
    `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n${keys.replaceAll(': v', ': 1')}\n`,
  )
  assert.equal(errors.length, 50_000)
})

test('JSON with line ends of Windows', async () => {
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, immutable: true }
  const [value] = await valuesOf(JSON.stringify(object, null, 2).replaceAll('\n', '\r\n'))
  assert.deepEqual(value, object)
})

test('keys that JavaScript objects have of their own are fields like any other', async () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.deepEqual(await errorsIn(`${pod}${name}: {}\n`), [`unknown field "${name}"`])
    assert.equal((await readManifests([{ name: 'x', text: `${pod}${name}: {}\n` }])).diagnostics[0]?.hint, undefined)
    const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {${name}: x}\n`
    const [value] = await valuesOf(map)
    const data: unknown = Reflect.get(value as object, 'data')
    assert.deepEqual(Object.entries(data as object), [[name, 'x']])
  }
})
