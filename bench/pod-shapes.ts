/**
 * `node bench/pod-shapes.ts [--rounds N]`: what a pod's shape costs. In turn: a pod of two containers, the same with a
 * ConfigMap of 1 MiB and 100 mounts of it, and a pod of 20 containers. What is to be reached: the second adds under
 * 30 ms to the first, the third takes under four times as long.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { stringify } from 'yaml'
import { busyboxRootfs } from '../test/support/busybox-rootfs.ts'
import { IMAGE, kubeContender, runWell } from './contender.ts'
import { median } from './report.ts'

const top = fileURLToPath(new URL('..', import.meta.url))

/** Keys of the ConfigMap and mounts of its volume. */
const MOUNTS = 100
const CONFIG_BYTES = 1024 * 1024
const LINE = 64
const LINES = Math.floor(CONFIG_BYTES / MOUNTS / LINE)

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '11' } } })

function container(index: number, volumeMounts: readonly object[] = []): object {
  const command = ['sleep', '1000000']
  return { name: `c${index}`, image: IMAGE, imagePullPolicy: 'Never', command, volumeMounts }
}

function pod(containers: readonly object[], volumes: readonly object[] = []): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shape' },
    spec: { terminationGracePeriodSeconds: 0, containers, volumes },
  }
}

function configMap(): object {
  // Lines of 63 characters that do not repeat themselves: real ones hold certificates and scripts.
  const line = (seed: number) =>
    createHash('sha512')
      .update(String(seed))
      .digest('hex')
      .slice(0, LINE - 1)
  const value = (key: number) => Array.from({ length: LINES }, (_, i) => line(key * LINES + i)).join('\n')
  const data = Object.fromEntries(Array.from({ length: MOUNTS }, (_, key) => [`key-${key}`, value(key)]))
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'large' }, data }
}

const volumes = [{ name: 'large', configMap: { name: 'large' } }]
const whole = Array.from({ length: MOUNTS }, (_, index) => ({ name: 'large', mountPath: `/mounts/${index}` }))
const parts = whole.map((mount, index) => ({ ...mount, subPath: `key-${index}` }))

const SHAPES: Readonly<Record<string, readonly object[]>> = {
  'two containers': [pod([container(1), container(2)])],
  'and a ConfigMap of 1 MiB, 100 mounts': [configMap(), pod([container(1, whole), container(2)], volumes)],
  'and a ConfigMap of 1 MiB, 100 subPath mounts': [configMap(), pod([container(1, parts), container(2)], volumes)],
  'twenty containers': [pod(Array.from({ length: 20 }, (_, index) => container(index)))],
}

const scratch = mkdtempSync(join(tmpdir(), 'kube-bench-'))
try {
  const kube = kubeContender(top, scratch)
  writeFileSync(join(scratch, 'rootfs.tar'), busyboxRootfs())
  await runWell(kube.importImage, join(scratch, 'rootfs.tar'))
  const times = new Map<string, number[]>(Object.keys(SHAPES).map(name => [name, []]))
  for (let round = -1; round < Number(options.rounds); round++) {
    for (const [name, objects] of Object.entries(SHAPES)) {
      const manifest = join(scratch, 'manifest.yaml')
      writeFileSync(manifest, objects.map(object => stringify(object, { lineWidth: 0 })).join('---\n'))
      const { seconds } = await runWell(kube.play, manifest)
      await runWell(kube.down)
      // The first round fills caches.
      if (round >= 0) times.get(name)!.push(seconds * 1000)
    }
  }
  const base = median(times.get('two containers')!)
  for (const [name, values] of times) {
    const own = median(values)
    const change = `${own >= base ? '+' : ''}${(own - base).toFixed(1)} ms, ${(own / base).toFixed(2)}x`
    process.stdout.write(`${name.padEnd(46)} ${own.toFixed(1).padStart(7)} ms   ${change}\n`)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
