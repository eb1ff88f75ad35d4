/** Records and the index of images that a disk or a hand has damaged while pods run: what still works, and the ways out. */
import assert from 'node:assert/strict'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, suite, test } from 'node:test'
import { useBlockingKube } from '../support/blocking-kube.ts'
import { IMAGE } from '../support/instance.ts'
import { cannotRunPods } from '../support/need.ts'

const PAGE = 4096

function podOf(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'main',
          image: IMAGE,
          imagePullPolicy: 'Never',
          command: ['sh', '-c', `echo ${name}; exec sleep 1000`],
        },
      ],
    },
  }
}

/** Has SQLite bring the log into the file, so that the file is what counts. */
function withoutLog(path: string): void {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE')
  db.close()
}

const KINDS: Readonly<Record<string, (path: string) => void>> = {
  'random bytes': path => writeFileSync(path, Buffer.alloc(3 * PAGE, 'damage')),
  'its first half': path => truncateSync(path, Math.floor(statSync(path).size / 2)),
  'a directory': path => {
    rmSync(path)
    mkdirSync(join(path, 'sub'), { recursive: true })
  },
  'a newer version': path => {
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
  },
  // Met only by who reads there.
  'all pages but the first overwritten': path => {
    const fd = openSync(path, 'r+')
    for (let at = PAGE; at < statSync(path).size; at += PAGE) writeSync(fd, Buffer.alloc(PAGE, 0xa5), 0, PAGE, at)
    closeSync(fd)
  },
}

suite('damaged', { skip: cannotRunPods }, () => {
  const kube = useBlockingKube()
  const database = () => join(kube.root, 'state.db')
  const index = () => join(kube.root, 'images/index.db')

  /** Begins anew where a test has taken everything away. */
  const begin = (...pods: readonly string[]) => {
    if (!existsSync(index())) kube.ok('import', join(kube.directory, 'busybox.tar'), IMAGE)
    for (const pod of pods) kube.play(pod, podOf(pod))
  }
  afterEach(() => kube.ok('system', 'reset', '--force'))

  for (const [kind, damage] of Object.entries(KINDS)) {
    test(`records: ${kind}: a command says so, and reset ends the pods`, () => {
      begin('one')
      const pid = kube.pidOf('one')
      withoutLog(database())
      damage(database())
      const { status, stderr } = kube.run('get', 'pods')
      assert.equal(status, 1)
      assert.match(stderr, /state\.db (is damaged|was made by a newer kube)/)
      assert.match(stderr, /kube system reset --force/)
      assert.match(kube.run('system', 'reset').stderr, /this removes 1 pods/)
      assert.match(kube.ok('system', 'reset', '--force'), /removed 1 pods/)
      assert.equal(existsSync(`/proc/${pid}`), false)
      assert.equal(existsSync(kube.root), false)
      assert.deepEqual(kube.leftovers(), [])
    })
  }

  test('records: a check says so, and puts the backup back', () => {
    begin('old', 'gone')
    copyBackup()
    kube.play('young', podOf('young'))
    kube.down('gone')
    withoutLog(database())
    writeFileSync(database(), Buffer.alloc(2 * PAGE, 'damage'))

    const check = kube.run('system', 'check', '-o', 'json')
    assert.equal(check.status, 1)
    const { ok, requirements } = JSON.parse(check.stdout) as {
      readonly ok: boolean
      readonly requirements: readonly { readonly name: string; readonly ok: boolean; readonly fix?: string }[]
    }
    assert.equal(ok, false)
    assert.deepEqual(
      requirements.filter(({ name }) => name === 'records').map(requirement => [requirement.ok, requirement.fix]),
      [[false, 'kube system check --repair']],
    )
    assert.match(kube.run('get', 'pods').stderr, /`kube system check --repair` puts its last backup back/)

    const { status, stderr, stdout } = kube.run('system', 'check', '--repair')
    assert.equal(status, 0, stderr + stdout)
    assert.match(stderr, /put the records of .* back/)
    assert.match(stderr, /1 pods are younger than that and unknown now: `kube system prune` removes them/)
    assert.equal(kube.get('pod', 'old').status.phase, 'Running')
    assert.equal(kube.get('pod', 'gone').status.containerStatuses?.[0]?.state?.running, undefined)
    assert.equal(kube.run('get', 'pod', 'young').status, 1)
    assert.match(kube.ok('system', 'prune'), /removed container/)
    kube.down('gone')
    kube.play('young', podOf('young'))
    kube.play('old', podOf('old'))
    assert.equal(kube.logs('old'), 'old\n')
    assert.equal(kube.run('system', 'check').status, 0)
    for (const app of ['old', 'young']) kube.down(app)
    assert.deepEqual(kube.leftovers(), [])
  })

  test('records: none where some were is damage too', () => {
    begin('one')
    copyBackup()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${database()}${suffix}`, { force: true })
    assert.match(kube.run('get', 'pods').stderr, /state\.db is empty/)
    kube.ok('system', 'check', '--repair')
    assert.equal(kube.get('pod', 'one').status.phase, 'Running')
  })

  test('records: without a sound backup, repairing says what is left to do', () => {
    begin('one')
    copyBackup()
    writeFileSync(`${database()}.backup`, 'damage')
    withoutLog(database())
    writeFileSync(database(), 'damage')
    const repair = () => kube.run('system', 'check', '--repair').stderr
    assert.match(repair(), /state\.db\.backup is damaged too/)
    rmSync(`${database()}.backup`)
    assert.match(repair(), /there is no backup of it/)
    assert.equal(readFileSync(database(), 'utf8'), 'damage', 'nothing was touched')
  })

  test('a log of random bytes is no damage: what it held is lost, nothing else', () => {
    begin('one')
    withoutLog(database())
    for (const suffix of ['-wal', '-shm']) writeFileSync(`${database()}${suffix}`, Buffer.alloc(2 * PAGE, 'damage'))
    assert.equal(kube.get('pod', 'one').status.phase, 'Running')
  })

  test('index of images: pods are looked at and taken away without it', () => {
    begin('one', 'two')
    // Nothing can be made in its place either.
    renameSync(join(kube.root, 'images'), join(kube.root, 'kept'))
    writeFileSync(join(kube.root, 'images'), 'in its place')
    assert.match(kube.ok('get', 'pods'), /one +1\/1 +Running/)
    assert.equal(kube.logs('one'), 'one\n')
    kube.down('one')
    rmSync(join(kube.root, 'images'))
    renameSync(join(kube.root, 'kept'), join(kube.root, 'images'))
    for (const suffix of ['-wal', '-shm']) rmSync(`${index()}${suffix}`, { force: true })
    writeFileSync(index(), Buffer.alloc(2 * PAGE, 'damage'))
    assert.match(kube.run('system', 'check').stdout, /image index +DAMAGED/)
    assert.equal(existsSync(`${index()}.damaged`), false, 'a check changes nothing')
    assert.match(kube.ok('get', 'pods'), /two +1\/1 +Running/)
    // And it is made anew by what needs it.
    kube.play('one', podOf('one'))
    assert.ok(existsSync(`${index()}.damaged`))
    assert.equal(kube.run('system', 'check').status, 0)
  })

  test('layers: the check and play name the image, and import brings it back', () => {
    begin()
    const layers = join(kube.root, 'images/l')
    for (const name of readdirSync(layers)) rmSync(join(layers, name), { recursive: true })
    const check = kube.run('system', 'check')
    assert.equal(check.status, 1)
    assert.match(check.stdout, /image layers +DAMAGED +files are gone of localhost\/busybox:test/)
    assert.match(
      kube.playFails('one', podOf('one')),
      /image localhost\/busybox:test is damaged.*\n(?:.*\n)*.*hint: .*`kube import`/,
    )
    kube.ok('import', join(kube.directory, 'busybox.tar'), IMAGE)
    kube.play('one', podOf('one'))
    assert.equal(kube.run('system', 'check').status, 0)
  })

  /** As if the supervisor or a command had made a backup just now, instead of within a minute. */
  function copyBackup(): void {
    const backup = `${database()}.backup`
    rmSync(backup, { force: true })
    const db = new DatabaseSync(database())
    db.prepare('VACUUM INTO ?').run(backup)
    db.close()
  }

  test('a backup is made by a command that changed something, when there is none', () => {
    begin('one')
    const backup = `${database()}.backup`
    assert.equal(statSync(backup).mode & 0o777, 0o600)
    copyFileSync(backup, join(kube.directory, 'copy.db'))
    const db = new DatabaseSync(join(kube.directory, 'copy.db'), { readOnly: true })
    assert.deepEqual(
      db
        .prepare('SELECT name FROM pod')
        .all()
        .map(({ name }) => name),
      ['one'],
    )
    db.close()
  })
})
