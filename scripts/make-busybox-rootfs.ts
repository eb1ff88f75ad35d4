/**
 * Writes a root file system tar made of the machine's busybox-static: `node scripts/make-busybox-rootfs.ts rootfs.tar`, then
 * `kube import rootfs.tar web:1`.
 */
import { writeFileSync } from 'node:fs'
import { busyboxRootfs } from '../test/support/busybox-rootfs.ts'

const [path] = process.argv.slice(2)
if (path === undefined) {
  process.stderr.write('usage: node scripts/make-busybox-rootfs.ts FILE.tar\n')
  process.exitCode = 2
} else {
  writeFileSync(path, busyboxRootfs())
}
