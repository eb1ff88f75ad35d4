/** Starting programs: what they inherit and what is known of their end, as they themselves tell it. */
import assert from 'node:assert/strict'
import { closeSync, readFileSync, readlinkSync } from 'node:fs'
import { test } from 'node:test'
import { launch, memoryFile, pipe } from '../../src/host/sys/launch.ts'
import { run } from '../../src/host/sys/run.ts'

test('tells the exit status, and signals as the shell does', async () => {
  const statuses = ['exit 0', 'exit 7', 'kill -TERM $$'].map(async script => {
    const { ended } = await launch({ program: 'sh', args: ['-c', script], files: [null, null, null] })
    return ended
  })
  assert.deepEqual(await Promise.all(statuses), [0, 7, 128 + 15])
})

test('hands on the named files at their places, and no others', async () => {
  using held = memoryFile('not for it')
  using output = memoryFile()
  const { ended } = await launch({ program: 'sh', args: ['-c', 'ls /proc/$$/fd'], files: [null, output.fd, null] })
  assert.equal(await ended, 0)
  assert.deepEqual(output.text().trim().split('\n'), ['0', '1', '2'])
  assert.equal(held.text(), 'not for it')
})

test('a program begins with every signal unblocked and of its default meaning', async () => {
  process.on('SIGUSR2', () => {})
  const { stdout } = await run('cat', ['/proc/self/status'])
  const masks = stdout.split('\n').filter(line => /^Sig(Blk|Ign|Cgt)/.test(line))
  for (const mask of masks) assert.match(mask, /^Sig...:\s0+$/)
  process.removeAllListeners('SIGUSR2')
})

test('takes its own directory and variables', async () => {
  using output = memoryFile()
  const { ended } = await launch({
    program: '/bin/sh',
    args: ['-c', 'pwd; env | grep -c .; echo $ONE'],
    cwd: '/proc',
    env: { ONE: '1', NONE: undefined },
    files: [null, output.fd, null],
  })
  assert.equal(await ended, 0)
  // The shell adds PWD.
  assert.deepEqual(output.text().split('\n').slice(0, 3), ['/proc', '2', '1'])
})

test('a program that is not there fails with its error code', async () => {
  await assert.rejects(launch({ program: '/no/such/program', args: [], files: [] }), { code: 'ENOENT' })
  await assert.rejects(launch({ program: '/etc/passwd', args: [], files: [] }), { code: 'EACCES' })
  await assert.rejects(run('no-such-program-here', []), { code: 'ToolMissing' })
})

test('many at once all end, and leave neither zombies nor descriptors', async () => {
  const before = openFiles()
  const all = Array.from({ length: 60 }, (_, n) =>
    run('sh', ['-c', `cat; echo ${n}; echo err >&2; exit ${n}`], { input: 'x' }),
  )
  const done = await Promise.all(all)
  for (const [n, end] of done.entries()) assert.deepEqual(end, { status: n, stdout: `x${n}\n`, stderr: 'err\n' })
  assert.deepEqual(openFiles(), before)
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim()
  assert.equal(children, '')
})

test('what stays behind with the output does not keep the end back', async () => {
  const { stdout } = await run('sh', ['-c', 'sleep 30 & echo $!'])
  process.kill(Number(stdout), 'SIGKILL')
})

test('long output and input come through whole', async () => {
  const input = 'a line of text\n'.repeat(100_000)
  assert.equal((await run('cat', [], { input })).stdout, input)
})

test('a pipe is not inherited unless named', async () => {
  const [read, write] = pipe()
  try {
    const { stdout } = await run('sh', ['-c', 'ls -l /proc/$$/fd'])
    assert.ok(!stdout.includes(readlinkSync(`/proc/self/fd/${write}`)))
  } finally {
    closeSync(read)
    closeSync(write)
  }
})

function openFiles(): number {
  return readlinks().length
}

function readlinks(): readonly string[] {
  return Array.from({ length: 200 }, (_, fd) => fd).flatMap(fd => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  })
}
