/**
 * `npm run bench`: start-up, playing and taking down 1, 10 and 50 pods of two containers, and the memory they hold, in turn
 * with podman where it is installed.
 *
 * `npm run bench -- --pods 1,10 --rounds 5 --json FILE`. `KUBE_BENCH_PODMAN` is the command that runs podman, split at
 * spaces; default `podman`; empty for none.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { busyboxRootfs } from '../test/support/busybox-rootfs.ts'
import { type Contender, kubeContender, podmanContender, run, runWell } from './contender.ts'
import { heldMemory, processIds } from './held-memory.ts'
import { podsManifest } from './manifest.ts'
import { type Figure, median, ratioOf, table } from './report.ts'

const top = fileURLToPath(new URL('..', import.meta.url))

/** Rounds by pods: what takes a minute gets fewer. */
const ROUNDS: Readonly<Record<number, number>> = { 1: 7, 10: 5, 50: 3 }
const START_ROUNDS = 21

const { values: options } = parseArgs({
  options: {
    pods: { type: 'string', default: '1,10,50' },
    rounds: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})

/** Each in turn, in every round; the first run of each is not counted. */
async function inTurn(
  rounds: number,
  commands: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, number[]>> {
  const seconds: Record<string, number[]> = Object.fromEntries(Object.keys(commands).map(name => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      const result = await runWell(command)
      if (round >= 0) seconds[name]!.push(result.seconds * 1000)
    }
  }
  return seconds
}

async function startUp(contenders: readonly Contender[], scratch: string): Promise<readonly Figure[]> {
  const empty = join(scratch, 'empty.cjs')
  writeFileSync(empty, '')
  const node = [process.execPath, empty]
  const versions = Object.fromEntries(contenders.map(({ name, version }) => [name, version]))
  const values = await inTurn(START_ROUNDS, { ...versions, node })
  return [
    {
      what: 'kube --version, empty node script',
      unit: 'ms',
      values: { ...values, podman: [] },
      ratioOf: ['kube', 'node'],
    },
    { what: '--version', unit: 'ms', values, ratioOf: ['kube', 'podman'] },
  ]
}

const playing = (pods: number): string => `play, ${pods} ${pods === 1 ? 'pod' : 'pods'}`

interface Sample {
  readonly play: number[]
  readonly down: number[]
  readonly memory: number[]
  readonly processes: number[]
}

const emptySample = (): Sample => ({ play: [], down: [], memory: [], processes: [] })

/** One play and one down of one contender, added to its sample. */
async function playAndDown(contender: Contender, pods: number, scratch: string, sample: Sample): Promise<void> {
  const sleepSeconds = 1_000_000 + process.pid
  const manifest = join(scratch, `${pods}.yaml`)
  writeFileSync(manifest, podsManifest(pods, sleepSeconds))
  const before = processIds()
  try {
    const play = await runWell(contender.play, manifest)
    const held = heldMemory(`sleep ${sleepSeconds}`, before, contender.helpers)
    if (held.containers !== 2 * pods) {
      throw new Error(`${contender.name}: ${held.containers} of ${2 * pods} containers run after the play`)
    }
    sample.play.push(play.seconds)
    sample.memory.push(held.pssBytes / 2 ** 20)
    sample.processes.push(held.processes)
  } catch (error) {
    await run(contender.down, manifest)
    throw error
  }
  const down = await runWell(contender.down, manifest)
  sample.down.push(down.seconds)
}

async function playAll(contenders: readonly Contender[], pods: number, scratch: string): Promise<readonly Figure[]> {
  const samples = Object.fromEntries(contenders.map(({ name }): [string, Sample] => [name, emptySample()]))
  const rounds = Number(options.rounds ?? ROUNDS[pods] ?? 3)
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      process.stderr.write(`${pods} pods, round ${round + 1} of ${rounds}, ${contender.name}\n`)
      await playAndDown(contender, pods, scratch, samples[contender.name]!)
    }
  }
  const figure = (what: string, unit: Figure['unit'], key: keyof Sample): Figure => ({
    what: what === 'play' ? playing(pods) : `${what}, ${pods} ${pods === 1 ? 'pod' : 'pods'}`,
    unit,
    values: Object.fromEntries(Object.entries(samples).map(([name, sample]) => [name, sample[key]])),
    ratioOf: ['kube', 'podman'],
  })
  return [
    figure('play', 's', 'play'),
    figure('down (grace 1 s)', 's', 'down'),
    figure('memory held', 'MiB', 'memory'),
    figure('processes held', '', 'processes'),
  ]
}

/** What each pod more costs, between one number of pods and the next. */
function furtherPods(figures: readonly Figure[], sizes: readonly number[]): readonly Figure[] {
  const medianOf = (what: string, name: string): number | undefined => {
    const values = figures.find(figure => figure.what === what)?.values[name]
    return values === undefined || values.length === 0 ? undefined : median(values)
  }
  return sizes.slice(1).map((size, index): Figure => {
    const before = sizes[index] ?? 0
    const values = ['kube', 'podman'].map((name): [string, number[]] => {
      const [a, b] = [medianOf(playing(before), name), medianOf(playing(size), name)]
      return [name, a === undefined || b === undefined ? [] : [((b - a) / (size - before)) * 1000]]
    })
    return {
      what: `play, each further pod, ${before} to ${size}`,
      unit: 'ms',
      values: Object.fromEntries(values),
      ratioOf: ['kube', 'podman'],
    }
  })
}

/** Tells what was measured, even when a later part failed. */
function report(figures: readonly Figure[], names: readonly string[]): void {
  const machine = `${availableParallelism()} x ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`
  console.log(`${machine}\nmedian (min - max); ratios are medians of the ratios of the pairs\n`)
  console.log(table(figures, names))
  if (options.json === undefined) return
  const results = figures.map(figure => ({
    ...figure,
    medians: Object.fromEntries(
      Object.entries(figure.values).flatMap(([name, values]) => (values.length === 0 ? [] : [[name, median(values)]])),
    ),
    ratio: ratioOf(figure),
  }))
  writeFileSync(options.json, `${JSON.stringify({ machine, figures: results }, undefined, 2)}\n`)
}

async function main(): Promise<void> {
  if (options.help) {
    console.log('usage: npm run bench -- [--pods 1,10,50] [--rounds N] [--json FILE]')
    return
  }
  if (process.getuid?.() !== 0) console.error('Not root: podman and kube are compared as rootless tools.')
  const scratch = mkdtempSync(join(tmpdir(), 'kube-bench-'))
  const words = (process.env.KUBE_BENCH_PODMAN ?? 'podman').split(' ').filter(word => word !== '')
  const podman = words.length === 0 ? undefined : await podmanContender(words)
  const contenders = [kubeContender(top, scratch), ...(podman === undefined ? [] : [podman])]
  if (podman === undefined) console.error('podman is not installed: kube alone is timed.')
  const rootfs = join(scratch, 'rootfs.tar')
  writeFileSync(rootfs, busyboxRootfs())
  const sizes = options.pods.split(',').map(Number)
  const figures: Figure[] = []
  try {
    for (const contender of contenders) await runWell(contender.importImage, rootfs)
    figures.push(...(await startUp(contenders, scratch)))
    // What each makes once, such as its bridge, is not counted.
    for (const contender of contenders) await playAndDown(contender, 1, scratch, emptySample())
    for (const pods of sizes) figures.push(...(await playAll(contenders, pods, scratch)))
    figures.push(...furtherPods(figures, sizes))
  } finally {
    for (const contender of contenders) for (const command of contender.clean) await run(command)
    rmSync(scratch, { recursive: true, force: true })
    report(figures, [...contenders.map(contender => contender.name), 'node'])
  }
}

await main()
