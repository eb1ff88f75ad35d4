/**
 * `node without-inotify.ts PROGRAM ARGS...`: becomes that program, for which, and for all that it starts, the machine has no
 * inotify instance left: inotify_init(2) fails with EMFILE. The limit itself is everybody's.
 */
import { library } from '../../src/host/sys/foreign.ts'

const seccomp = library('libseccomp.so.2')
const libc = library('libc.so.6')

/** Source: seccomp.h, errno.h. */
const ALLOW = 0x7fff0000
const ERRNO = 0x00050000
const EMFILE = 24
const CTL_NNP = 3
/** Source: fcntl.h. */
const F_SETFD = 2

const [program = '', ...args] = process.argv.slice(2)
const filter = seccomp('void *seccomp_init(uint32_t action)')(ALLOW)
// Otherwise set-user-ID programs would lose their rights.
seccomp('int seccomp_attr_set(void *filter, int attribute, uint32_t value)')(filter, CTL_NNP, 0)
for (const name of ['inotify_init', 'inotify_init1']) {
  const number = seccomp('int seccomp_syscall_resolve_name(const char *name)')(name)
  const add = seccomp('int seccomp_rule_add(void *filter, uint32_t action, int syscall, unsigned int count)')
  // Newer processors have only the second one.
  if (add(filter, ERRNO | EMFILE, number, 0) !== 0 && name === 'inotify_init1') throw new Error(`no filter for ${name}`)
}
if (seccomp('int seccomp_load(void *filter)')(filter) !== 0) throw new Error('the filter is refused')
// Node.js has marked them to be closed.
for (const fd of [0, 1, 2]) libc('int fcntl(int fd, int command, int argument)')(fd, F_SETFD, 0)
libc('int execv(const char *path, const char **args)')(program, [program, ...args, null])
throw new Error(`cannot start ${program}`)
