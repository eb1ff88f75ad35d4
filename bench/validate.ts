/**
 * Times `kube validate` as whole processes, each round beside an empty Node.js script, and measures the memory it
 * holds: ten documents, 10,000 documents, 1,000 errors. `node bench/validate.ts [--json] [--rounds N]`
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Figure, table } from './report.ts'

const top = fileURLToPath(new URL('..', import.meta.url))

/** A Deployment of ordinary size; a wrong one has one error. */
function deployment(index: number, isWrong: boolean): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${index}
  labels:
    app.kubernetes.io/name: app-${index}
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: app-${index}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app-${index}
    spec:
      containers:
      - name: web
        image: registry.example.com/team/app-${index}:1.${index}
        command: ["/bin/app", "--port=8080"]
        env:
        - name: PORT
          value: ${isWrong ? '8080' : '"8080"'}
        - name: NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        ports:
        - name: http
          containerPort: 8080
        resources:
          requests:
            cpu: 100m
            memory: 64Mi
        volumeMounts:
        - name: data
          mountPath: /data
      volumes:
      - name: data
        emptyDir: {}
`
}

function documents(count: number, isWrong = false): string {
  return Array.from({ length: count }, (_, index) => deployment(index, isWrong)).join('---\n')
}

interface Outcome {
  readonly seconds: number
  readonly status: number
  /** The most memory the process held. */
  readonly mebibytes: number
}

/** Tells the peak memory of a Node.js process when it ends, on descriptor 3. */
const memoryHook = `process.on('exit', () => require('node:fs').writeSync(3, String(process.resourceUsage().maxRSS)))\n`

async function run(words: readonly string[], hook?: string): Promise<Outcome> {
  const [program = '', ...args] = words
  const start = performance.now()
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: { ...process.env, ...(hook === undefined ? {} : { NODE_OPTIONS: `--require=${hook}` }) },
  })
  const [kibibytes, [status]] = await Promise.all([
    text(child.stdio[3] as NodeJS.ReadableStream),
    once(child, 'close') as Promise<[number]>,
  ])
  return { seconds: (performance.now() - start) / 1000, status, mebibytes: Number(kibibytes) / 1024 }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string', default: '7' } } })
  const scratch = mkdtempSync(join(tmpdir(), 'kube-bench-validate-'))
  const hook = join(scratch, 'memory.cjs')
  const empty = join(scratch, 'empty.cjs')
  writeFileSync(hook, memoryHook)
  writeFileSync(empty, '')
  const kube = join(top, 'bin', 'kube')
  const cases = [
    { what: 'ten documents', text: documents(10), status: 0 },
    { what: '10,000 documents', text: documents(10_000), status: 0 },
    { what: '1,000 errors', text: documents(1000, true), status: 2 },
  ]
  const figures: Figure[] = []
  try {
    for (const [index, { what, text, status }] of cases.entries()) {
      const file = join(scratch, `${index}.yaml`)
      writeFileSync(file, text)
      const seconds: Record<string, number[]> = { kube: [], 'empty script': [] }
      const memory: Record<string, number[]> = { kube: [], 'empty script': [] }
      for (let round = 0; round < Number(values.rounds); round++) {
        for (const [name, words] of [
          ['kube', [kube, 'validate', '-q', file]],
          ['empty script', [process.execPath, empty]],
        ] as const) {
          const outcome = await run(words)
          const expected = name === 'kube' ? status : 0
          if (outcome.status !== expected) throw new Error(`${words.join(' ')} ended with status ${outcome.status}`)
          seconds[name]?.push(outcome.seconds)
          memory[name]?.push((await run(words, hook)).mebibytes)
        }
      }
      figures.push({ what: `validate ${what}`, unit: 's', values: seconds, ratioOf: ['kube', 'empty script'] })
      figures.push({ what: `memory, ${what}`, unit: 'MiB', values: memory, ratioOf: ['kube', 'empty script'] })
    }
  } finally {
    rmSync(scratch, { recursive: true })
  }
  const report = values.json === true ? JSON.stringify(figures, undefined, 2) : table(figures, ['kube', 'empty script'])
  process.stdout.write(`${report}\n`)
}

await main()
