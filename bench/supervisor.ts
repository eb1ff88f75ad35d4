/**
 * `node bench/supervisor.ts [--probes 1000] [--seconds 20] [--restarts 15]`: one supervisor that probes every second:
 * processor time, memory, lateness; and how long a container that crashed takes to run again, next to crun's own start.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { busyboxRootfs } from '../test/support/busybox-rootfs.ts'
import { median } from './report.ts'

const top = fileURLToPath(new URL('..', import.meta.url))
const IMAGE = 'localhost/kube-bench:supervisor'
/** Probes of one container: the most it can have that go on side by side. */
const PER_CONTAINER = 2

const { values: options } = parseArgs({
  options: {
    probes: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    restarts: { type: 'string', default: '15' },
    pods: { type: 'string', default: '10' },
  },
})

const scratch = mkdtempSync(join(tmpdir(), 'kube-bench-'))
const kube = (...args: readonly string[]) => {
  const program = join(top, 'bin', 'kube')
  const roots = ['--root', join(scratch, 'root'), '--runroot', join(scratch, 'run')]
  const result = spawnSync(program, [...roots, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (result.status !== 0) throw new Error(`kube ${args.join(' ')}: ${result.stderr}`)
  return result.stdout
}

/** Jiffies of a process and of those it waited for, as seconds. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function memoryMiB(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return Number(/^Pss: +(\d+)/m.exec(rollup)?.[1]) / 1024
}

function container(name: string, probe: object): object {
  return { name, image: IMAGE, command: ['sleep', '100000'], readinessProbe: probe, livenessProbe: probe }
}

function manifest(pods: number, containers: number, port: number): string {
  const documents = Array.from({ length: pods }, (_, p) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `probed-${p}` },
    spec: {
      hostNetwork: true,
      terminationGracePeriodSeconds: 0,
      containers: Array.from({ length: containers }, (_, c) => {
        const request = { httpGet: { port, path: `/${p}-${c}` }, periodSeconds: 1, failureThreshold: 1000 }
        return container(`c${c}`, request)
      }),
    },
  }))
  return documents.map(document => JSON.stringify(document)).join('\n---\n')
}

async function probes(): Promise<void> {
  const wanted = Number(options.probes)
  const pods = Number(options.pods)
  const containers = Math.ceil(wanted / pods / PER_CONTAINER)
  const seen = new Map<string, number[]>()
  let counting = false
  const server = createServer((request, response) => {
    if (counting) {
      const times = seen.get(request.url!) ?? []
      times.push(performance.now())
      seen.set(request.url!, times)
    }
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await new Promise(done => server.once('listening', done))
  const { port } = server.address() as AddressInfo
  const file = join(scratch, 'probed.yaml')
  writeFileSync(file, manifest(pods, containers, port))
  // Not the synchronous call: the server above must answer meanwhile.
  kube('play', file)
  await delay(3000)
  const info = JSON.parse(kube('system', 'info', '-o', 'json')) as { readonly supervisor: { readonly pid: number } }
  const { pid } = info.supervisor
  const begin = { cpu: cpuSeconds(pid), at: performance.now() }
  counting = true
  await delay(Number(options.seconds) * 1000)
  counting = false
  const seconds = (performance.now() - begin.at) / 1000
  const cores = (cpuSeconds(pid) - begin.cpu) / seconds
  // Two probes of a container share a path: each comes once a second, so every other one is of the same probe.
  const late = [...seen.values()].flatMap(times => times.slice(PER_CONTAINER).map((at, i) => at - times[i]! - 1000))
  const sorted = late.toSorted((a, b) => a - b)
  const rate = [...seen.values()].reduce((sum, times) => sum + times.length, 0) / seconds
  console.log(
    `${pods * containers * PER_CONTAINER} probes a second wanted, ${rate.toFixed(0)} seen in ${seconds.toFixed(1)} s`,
  )
  console.log(`processor: ${(cores * 100).toFixed(1)} % of a core; memory: ${memoryMiB(pid).toFixed(0)} MiB`)
  const at = (part: number) => `${sorted[Math.floor(sorted.length * part)]?.toFixed(1)} ms`
  console.log(`late: median ${at(0.5)}, 99 % ${at(0.99)}, most ${sorted.at(-1)?.toFixed(1)} ms`)
  kube('down', file)
  server.closeAllConnections()
  server.close()
}

/** From the end of a container to the start of its next run, first restarts only: each in a pod of its own. */
function restarts(): void {
  const shared = join(scratch, 'shared')
  mkdirSync(shared)
  const took: number[] = []
  for (let round = 0; round < Number(options.restarts); round++) {
    const script =
      'if [ -e /d/NAME ]; then cut -d" " -f1 /proc/uptime >/d/NAME-up; sleep 1000; fi; touch /d/NAME; sleep 0.3; cut -d" " -f1 /proc/uptime >/d/NAME-down'
    const name = `crash-${round}`
    const document = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        terminationGracePeriodSeconds: 0,
        volumes: [{ name: 'd', hostPath: { path: shared } }],
        containers: [
          {
            name: 'main',
            image: IMAGE,
            command: ['sh', '-c', script.replaceAll('NAME', name)],
            volumeMounts: [{ name: 'd', mountPath: '/d' }],
          },
        ],
      },
    }
    const file = join(scratch, `${name}.yaml`)
    writeFileSync(file, JSON.stringify(document))
    kube('play', file)
    kube('wait', `pod/${name}`, '--for=jsonpath={.status.containerStatuses[0].restartCount}=1')
    kube('wait', `pod/${name}`, '--for=condition=Ready')
    spawnSync('sleep', ['0.3'])
    const read = (what: string) => Number(readFileSync(join(shared, `${name}-${what}`), 'utf8')) * 1000
    took.push(read('up') - read('down'))
    kube('down', file)
  }
  console.log(`restart: median ${median(took).toFixed(0)} ms, most ${Math.max(...took)} ms (clock of 10 ms)`)
}

/** A bare start by the OCI runtime, of the same root file system. */
function bareStart(): void {
  const bundle = join(scratch, 'bundle')
  mkdirSync(join(bundle, 'rootfs'), { recursive: true })
  spawnSync('tar', ['-xf', join(scratch, 'rootfs.tar'), '-C', join(bundle, 'rootfs')])
  spawnSync('crun', ['spec'], { cwd: bundle })
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
  config.process.args = ['true']
  config.process.terminal = false
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
  const took: number[] = []
  for (let i = 0; i < 15; i++) {
    const begin = performance.now()
    const { status } = spawnSync('crun', ['--root', join(scratch, 'crun'), 'run', '--bundle', bundle, `bare-${i}`])
    if (status === 0) took.push(performance.now() - begin)
  }
  if (took.length > 0) console.log(`crun run of the same: median ${median(took).toFixed(0)} ms`)
}

try {
  writeFileSync(join(scratch, 'rootfs.tar'), busyboxRootfs())
  kube('import', join(scratch, 'rootfs.tar'), IMAGE)
  if (Number(options.restarts) > 0) {
    bareStart()
    restarts()
  }
  if (Number(options.probes) > 0) await probes()
} finally {
  kube('system', 'reset', '--force')
  rmSync(scratch, { recursive: true, force: true })
}
