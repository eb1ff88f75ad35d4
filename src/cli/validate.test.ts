import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runExplain } from './explain.ts'
import { gatherTexts } from './gather.ts'
import { runValidate, type ValidateOptions } from './validate.ts'

const folder = mkdtempSync(join(tmpdir(), 'kube-validate-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}

const good = file('set/a-good.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n')
const bad = file(
  'set/b-bad.yml',
  'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\ndatta:\n\tk: v\n'.replace('\t', '  '),
)
file('set/README.md', 'not: [a manifest')
const inner = file('set/deep/c.json', '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}')

/** Takes what is written. */
function paper(input: string | Uint8Array = '') {
  const written = { out: '', err: '' }
  return {
    written,
    colour: false,
    readInput: async () => Buffer.from(input),
    out(text: string): void {
      written.out += text
    },
    err(text: string): void {
      written.err += text
    },
  }
}

async function validate(files: readonly string[], options: ValidateOptions = {}, input: string | Uint8Array = '') {
  const io = paper(input)
  const status = await runValidate([files], options, { io })
  return { status, ...io.written }
}

test('good manifests: one line and status 0', async () => {
  assert.deepEqual(await validate([good]), { status: 0, out: '1 object valid\n', err: '' })
  assert.deepEqual(await validate(['-'], {}, ''), { status: 0, out: 'nothing to check\n', err: '' })
})

test('findings come with their line, a caret and a hint; status 2', async () => {
  const { status, out } = await validate([bad])
  assert.equal(status, 2)
  assert.equal(
    out,
    `${bad}:5:1: error: unknown field "datta" [FieldUnknown]
  5 | datta:
    | ^
  hint: did you mean "data"?
0 objects valid, 1 error
`,
  )
})

test('json, for programs', async () => {
  const { status, out } = await validate([bad], { output: 'json' })
  assert.equal(status, 2)
  assert.deepEqual(JSON.parse(out), {
    ok: false,
    diagnostics: [
      {
        severity: 'error',
        code: 'FieldUnknown',
        path: 'datta',
        message: 'unknown field "datta"',
        file: bad,
        line: 5,
        column: 1,
        document: 0,
        hint: 'did you mean "data"?',
      },
    ],
  })
  assert.deepEqual(JSON.parse((await validate([good], { output: 'json' })).out), { ok: true, diagnostics: [] })
})

test('annotations and SARIF, for CI', async () => {
  const github = await validate(['-'], { output: 'github' }, 'apiVersion: v1\nkind: "Po,d\\n"\n')
  assert.equal(
    github.out,
    '::error file=-,line=2,col=7,title=UnknownKind::kind: no matches for kind "Po,d\\n" in version "v1" (kube does not know this kind; --skip-unknown passes over it)\n',
  )
  const sarif = JSON.parse((await validate([bad], { output: 'sarif' })).out)
  assert.equal(sarif.version, '2.1.0')
  const [run] = sarif.runs
  assert.equal(run.tool.driver.rules[0].id, 'FieldUnknown')
  assert.deepEqual(run.results[0].locations[0].physicalLocation.region, { startLine: 5, startColumn: 1 })
  assert.equal(run.results[0].level, 'error')
})

test('notices do not fail, unless --strict', async () => {
  const text = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n'
  assert.equal((await validate(['-'], {}, text)).status, 0)
  assert.equal((await validate(['-'], { strict: true }, text)).status, 2)
  assert.equal((await validate(['-'], { quiet: true }, text)).out, '')
})

test('yaml prints what was read, with defaults where they are asked for', async () => {
  const text = 'kind: Secret\napiVersion: v1\nmetadata: {name: a}\n'
  assert.equal(
    (await validate(['-'], { output: 'yaml' }, text)).out,
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n',
  )
  const filled = await validate(['-'], { output: 'yaml', defaults: true }, text)
  assert.match(filled.out, /^type: Opaque$/m)
})

test('UTF-8 with and without a mark, UTF-16 as PowerShell writes it; nothing else', async () => {
  const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: "\u00fc"}\n'
  const printed = async (bytes: Uint8Array) => (await validate(['-'], { output: 'yaml' }, bytes)).out
  const expected = await printed(Buffer.from(text))
  assert.match(expected, /k: "?\u00fc/)
  assert.equal(await printed(Buffer.from(`\ufeff${text}`)), expected)
  assert.equal(await printed(Buffer.from(`\ufeff${text}`, 'utf16le')), expected)
  assert.equal(await printed(Buffer.from(`\ufeff${text}`, 'utf16le').swap16()), expected)
  await assert.rejects(validate(['-'], {}, Buffer.from(text, 'latin1')), { code: 'ManifestUnreadable', exitStatus: 2 })
  await assert.rejects(validate(['-'], {}, Buffer.from([0xc0, 0, 1])), { hint: /kube load/ })
})

test('directories, globs, repeated -f and standard input', async () => {
  const names = async (args: readonly string[], recursive = false): Promise<readonly string[]> =>
    (await gatherTexts(args, { readInput: async () => Buffer.from('x'), recursive })).map(text => text.name)
  assert.deepEqual(await names([join(folder, 'set')]), [good, bad])
  assert.deepEqual(await names([join(folder, 'set')], true), [good, bad, inner])
  assert.deepEqual(await names([join(folder, 'set', '*.y*ml'), '-']), [good, bad, '-'])
  assert.equal((await validate([], { filename: [good, inner] })).out, '2 objects valid\n')
})

test('a URL is fetched, and told apart when it is not there', async () => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/good.yaml' ? 200 : 404
    response.end('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const url = `http://127.0.0.1:${address.port}`
  try {
    assert.equal((await validate([`${url}/good.yaml`])).status, 0)
    await assert.rejects(validate([`${url}/bad.yaml`]), { code: 'ManifestUnreadable', exitStatus: 2 })
  } finally {
    server.close()
  }
})

test('kustomizations are built by the tool that is there', async () => {
  const tools = join(folder, 'tools')
  const script = `#!/bin/sh\n[ "$2" = good ] || { echo "no such thing: $2" >&2; exit 1; }\ncat '${good}'\n`
  chmodSync(file('tools/kustomize', script), 0o755)
  const options = { readInput: async () => Buffer.from(''), kustomize: true }
  const before = process.env.PATH
  try {
    process.env.PATH = `${tools}:${before}`
    const [text] = await gatherTexts(['good'], options)
    assert.deepEqual([text?.name, text?.text.slice(0, 14)], ['kustomize build good', 'apiVersion: v1'])
    await assert.rejects(gatherTexts(['bad'], options), { code: 'KustomizeFailed', exitStatus: 2 })
    process.env.PATH = join(folder, 'set')
    await assert.rejects(gatherTexts(['good'], options), { code: 'KustomizeMissing', exitStatus: 2 })
  } finally {
    process.env.PATH = before
  }
})

test('what cannot be read is one clear error with status 2', async () => {
  const missing = join(folder, 'missing.yaml')
  await assert.rejects(validate([missing]), {
    code: 'ManifestNotFound',
    exitStatus: 2,
    message: `${missing}: no such file`,
  })
  await assert.rejects(validate([join(folder, 'none*.yaml')]), { code: 'ManifestNotFound', exitStatus: 2 })
  await assert.rejects(validate([join(folder, 'set', 'a-good.yaml', 'x')]), { code: 'ManifestNotFound', exitStatus: 2 })
  await assert.rejects(validate([]), { code: 'Usage', exitStatus: 2 })
  mkdirSync(join(folder, 'closed'))
  const circle = join(folder, 'closed', 'circle.yaml')
  symlinkSync('circle.yaml', circle)
  for (const path of [circle, join(folder, 'closed')])
    await assert.rejects(validate([path]), {
      code: 'ManifestUnreadable',
      exitStatus: 2,
      message: `${circle}: cannot be read (ELOOP)`,
    })
  mkdirSync(join(folder, 'empty'))
  await assert.rejects(validate([join(folder, 'empty')]), { code: 'ManifestNotFound', exitStatus: 2 })
})

test('what a manifest holds does not reach the terminal as control characters', async () => {
  const { out } = await validate(['-'], {}, 'apiVersion: v1\nkind: "\\e[31mPod\\u0007"\n# \u001b[2J\n')
  assert.doesNotMatch(out, /[^\P{Cc}\n]/u)
  const name = join(folder, 'a\u001b[31m.yaml')
  writeFileSync(name, 'apiVersion: v1\nkind: Podd\n')
  const named = await validate([name])
  assert.match(named.out, /a\\x1b\[31m\.yaml:2:7: error/)
  assert.doesNotMatch(named.out, /[^\P{Cc}\n]/u)
})

async function explain(target: string | undefined, options: Parameters<typeof runExplain>[1] = {}): Promise<string> {
  const io = paper()
  assert.equal(await runExplain([target], options, { io }), 0)
  return io.written.out
}

test('explain: fields with type, default, support and documentation', async () => {
  const grace = await explain('pod.spec.terminationGracePeriodSeconds')
  assert.match(grace, /^FIELD +spec.terminationGracePeriodSeconds <int64>$/m)
  assert.match(grace, /^DEFAULT +30 seconds$/m)
  assert.match(grace, /^SUPPORT +honoured$/m)
  assert.match(
    await explain('deploy.spec.template.spec.affinity.nodeAffinity'),
    /^SUPPORT +accepted: there is one node/m,
  )
  assert.match(await explain('pods'), /^ {2}spec <PodSpec>/m)
  assert.match(await explain('hpa', { apiVersion: 'autoscaling/v1' }), /^VERSION +autoscaling\/v1$/m)
  assert.match(await explain('svc.spec', { recursive: true }), /^ {4}targetPort <int-or-string>/m)
  await assert.rejects(explain('pod.spec.contaners'), { exitStatus: 2, hint: 'did you mean containers?' })
  await assert.rejects(explain('widget'), { exitStatus: 2 })
})

test('explain: codes, the overview and the support table', async () => {
  assert.match(await explain('FieldUnknown'), /Wrong:\n\n {4}apiVersion: v1/)
  assert.match(await explain(undefined), /^ {2}StatefulSet \(apps\/v1\)/m)
  assert.match(await explain(undefined, { support: true }), /^\| `spec.containers\[\].image` \| honoured \|/m)
  const { fields } = JSON.parse(await explain(undefined, { support: true, output: 'json' }))
  assert.ok(fields.length > 1500)
})
