/**
 * The default seccomp filter, with the effect of podman's and Docker's: what containers use is allowed, what only an
 * administrator of the machine needs is refused with EPERM unless the capability for it is held, and what the filter
 * does not know fails with ENOSYS, so that programs fall back to older calls. Source of the choice of calls:
 * containers/common, pkg/seccomp. Names that an older libseccomp does not know are passed over by crun and runc.
 */
import type { OciSeccomp, OciSyscallRule } from './oci-types.ts'

const ALLOW = 'SCMP_ACT_ALLOW'
const ERRNO = 'SCMP_ACT_ERRNO'
const EPERM = 1
const EINVAL = 22
const ENOSYS = 38

/** Allowed for every container. */
const ALLOWED: readonly string[] = [
  // files
  `access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2
   fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
   fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
   ftruncate ftruncate64 futimesat getcwd getdents getdents64 getxattr ioctl lchown lchown32 lgetxattr link
   linkat listxattr llistxattr lremovexattr lseek _llseek lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat
   name_to_handle_at newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read
   readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir sendfile sendfile64 setxattr
   splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs tee truncate
   truncate64 umask unlink unlinkat utime utimensat utimensat_time64 utimes write writev`,
  // mounts: the kernel checks CAP_SYS_ADMIN of the user namespace
  `fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root umount umount2`,
  // events
  `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old
   eventfd eventfd2 fanotify_init fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
   io_cancel io_destroy io_getevents io_setup io_submit _newselect pipe pipe2 poll ppoll ppoll_time64 pselect6
   pselect6_time64 select signalfd signalfd4`,
  // memory
  `brk get_mempolicy madvise mbind membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap
   mmap2 mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease
   process_vm_readv process_vm_writev remap_file_pages set_mempolicy`,
  // processes
  `capget capset clone clone3 execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid
   getpriority getrlimit getrusage getsid gettid ioprio_get ioprio_set landlock_add_rule
   landlock_create_ruleset landlock_restrict_self pidfd_getfd pidfd_open pidfd_send_signal prctl prlimit64
   ptrace reboot rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
   sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
   sched_setattr sched_setparam sched_setscheduler sched_yield seccomp setns setpgid setpriority setrlimit setsid
   ugetrlimit unshare vfork wait4 waitid waitpid`,
  // threads
  `futex futex_time64 get_robust_list get_thread_area set_robust_list set_thread_area set_tid_address`,
  // identity
  `getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid
   getresuid32 getuid getuid32 keyctl setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
   setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid
   setuid32`,
  // signals
  `alarm getitimer kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
   rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo setitimer sigaltstack
   signal sigprocmask sigreturn tgkill tkill`,
  // time
  `adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
   clock_nanosleep clock_nanosleep_time64 gettimeofday nanosleep time timer_create timer_delete
   timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
   timerfd_gettime64 timerfd_settime timerfd_settime64 times`,
  // ipc
  `ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
   mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt
   shmget`,
  // network
  `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
   recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  // system
  `getrandom sysinfo syslog uname`,
].flatMap(words)

/** Refused for every container: old, or for the machine's administrator only. */
const REFUSED: readonly string[] = words(
  `bdflush cachestat futex_requeue futex_wait futex_waitv futex_wake io_pgetevents io_pgetevents_time64
   kexec_file_load kexec_load map_shadow_stack migrate_pages move_pages nfsservctl nice oldfstat oldlstat oldolduname
   oldstat olduname pciconfig_iobase pciconfig_read pciconfig_write sgetmask ssetmask swapoff swapon syscall sysfs
   uselib userfaultfd ustat vm86 vm86old vmsplice`,
)

/** Allowed to holders of any of the capabilities, refused to all others. */
const PRIVILEGED: readonly { readonly calls: string; readonly capabilities: readonly string[] }[] = [
  { calls: 'open_by_handle_at', capabilities: ['DAC_READ_SEARCH'] },
  { calls: 'lookup_dcookie quotactl quotactl_fd setdomainname sethostname', capabilities: ['SYS_ADMIN'] },
  { calls: 'bpf', capabilities: ['SYS_ADMIN', 'BPF'] },
  { calls: 'perf_event_open', capabilities: ['PERFMON'] },
  { calls: 'chroot', capabilities: ['SYS_CHROOT'] },
  { calls: 'delete_module finit_module init_module query_module', capabilities: ['SYS_MODULE'] },
  { calls: 'acct', capabilities: ['SYS_PACCT'] },
  { calls: 'kcmp process_madvise', capabilities: ['SYS_PTRACE'] },
  { calls: 'ioperm iopl', capabilities: ['SYS_RAWIO'] },
  { calls: 'clock_settime clock_settime64 settimeofday stime', capabilities: ['SYS_TIME'] },
  { calls: 'vhangup', capabilities: ['SYS_TTY_CONFIG'] },
]

/** Calls of one processor family only, and the older ABIs its kernels also run. */
const ARCHITECTURES: Readonly<Record<string, { readonly older: readonly string[]; readonly calls: string }>> = {
  SCMP_ARCH_X86_64: { older: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'], calls: 'arch_prctl modify_ldt' },
  SCMP_ARCH_AARCH64: {
    older: ['SCMP_ARCH_ARM'],
    calls: 'arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2',
  },
  SCMP_ARCH_PPC64LE: { older: [], calls: 'sync_file_range2 swapcontext' },
  SCMP_ARCH_S390X: { older: ['SCMP_ARCH_S390'], calls: 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr' },
  SCMP_ARCH_RISCV64: { older: [], calls: 'riscv_flush_icache' },
}

/**
 * Execution domains that change nothing dangerous: Linux with 32 or 64 bit uname, with or without UNAME26, and the query.
 * Source: personality(2).
 */
const PERSONALITIES: readonly number[] = [0, 0x8, 0x20000, 0x20008, 0xffffffff]

const AF_NETLINK = 16
const AF_VSOCK = 40
const NETLINK_AUDIT = 9

/** Filters by what they depend on: most containers of a machine have the same one. */
const made = new Map<string, OciSeccomp>()

/** The filter for a capability set (without `CAP_`) on an OCI architecture such as `SCMP_ARCH_X86_64`. */
export function defaultSeccomp(capabilities: readonly string[], architecture: string): OciSeccomp {
  const key = `${architecture} ${capabilities.toSorted().join(' ')}`
  const known = made.get(key)
  if (known) return known
  const filter = makeFilter(capabilities, architecture)
  made.set(key, filter)
  return filter
}

function makeFilter(capabilities: readonly string[], architecture: string): OciSeccomp {
  const held = new Set(capabilities)
  const allowed = [...ALLOWED]
  const refused = [...REFUSED]
  for (const { calls, capabilities: needed } of PRIVILEGED) {
    const list = needed.some(name => held.has(name)) ? allowed : refused
    list.push(...words(calls))
  }
  const family = ARCHITECTURES[architecture]
  allowed.push(...words(family?.calls ?? ''))
  return {
    defaultAction: ERRNO,
    defaultErrnoRet: ENOSYS,
    architectures: [architecture, ...(family?.older ?? [])],
    syscalls: [
      { names: allowed.toSorted(), action: ALLOW },
      { names: refused.toSorted(), action: ERRNO, errnoRet: EPERM },
      ...PERSONALITIES.map(
        (value): OciSyscallRule => ({
          names: ['personality'],
          action: ALLOW,
          args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }],
        }),
      ),
      ...socketRules(held.has('AUDIT_WRITE')),
    ],
  }
}

/** Sockets to the hypervisor are refused to all, and the kernel's audit log to those who may not write it. */
function socketRules(audit: boolean): readonly OciSyscallRule[] {
  const socket = (action: string, args: NonNullable<OciSyscallRule['args']>, errnoRet?: number): OciSyscallRule => ({
    names: ['socket'],
    action,
    args,
    ...(errnoRet === undefined ? {} : { errnoRet }),
  })
  const vsock = socket(ERRNO, [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_EQ' }], EPERM)
  if (audit) return [vsock, socket(ALLOW, [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }])]
  const netlink = { index: 0, value: AF_NETLINK, op: 'SCMP_CMP_EQ' }
  return [
    vsock,
    socket(ERRNO, [netlink, { index: 2, value: NETLINK_AUDIT, op: 'SCMP_CMP_EQ' }], EINVAL),
    socket(ALLOW, [netlink, { index: 2, value: NETLINK_AUDIT, op: 'SCMP_CMP_NE' }]),
    socket(ALLOW, [{ index: 0, value: AF_NETLINK, op: 'SCMP_CMP_NE' }]),
  ]
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter(word => word !== '')
}
