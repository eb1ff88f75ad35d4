/** A small root file system from the machine's busybox-static: what demos and tests run, with no registry needed. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type TarWriterEntry, tarOf } from './tar-writer.ts'

/** Where busybox-static puts it. */
export const BUSYBOX = '/bin/busybox'

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
www-data:x:33:33:www-data:/www:/bin/false
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
`
const GROUP = `root:x:0:
daemon:x:1:
www-data:x:33:
users:x:100:www-data
nogroup:x:65534:
`
const PAGE = `<!doctype html>
<title>kube</title>
<h1>It works</h1>
`

let made: Buffer | undefined

/** The tar of the root file system, made once. Throws when busybox is not there or needs shared libraries. */
export function busyboxRootfs(): Buffer {
  made ??= makeTar()
  return made
}

function makeTar(): Buffer {
  const binary = readFileSync(BUSYBOX)
  if (binary.includes('/lib64/ld-linux') || binary.includes('/lib/ld-linux')) {
    throw new Error(`${BUSYBOX} needs shared libraries: install busybox-static`)
  }
  const applets = execFileSync(BUSYBOX, ['--list-full'], { encoding: 'utf8' }).split('\n')
  const entries: TarWriterEntry[] = [
    'bin/',
    'sbin/',
    'usr/',
    'usr/bin/',
    'usr/sbin/',
    'etc/',
    'var/',
    'var/log/',
    'home/',
    'www/',
    'proc/',
    'sys/',
    'dev/',
    'run/',
    'mnt/',
  ].map(path => ({ path }))
  entries.push({ path: 'root/', mode: 0o700 }, { path: 'tmp/', mode: 0o1777 }, { path: 'var/tmp/', mode: 0o1777 })
  entries.push({ path: 'bin/busybox', data: binary, mode: 0o755 })
  for (const applet of applets) {
    if (applet !== '' && applet !== 'bin/busybox' && /^(?:usr\/)?s?bin\//.test(applet)) {
      entries.push({ path: applet, flag: '2', linkPath: '/bin/busybox', mode: 0o777 })
    }
  }
  entries.push(
    { path: 'etc/passwd', data: PASSWD },
    { path: 'etc/group', data: GROUP },
    { path: 'etc/hostname', data: 'image\n' },
    { path: 'www/index.html', data: PAGE },
  )
  return tarOf(entries)
}
