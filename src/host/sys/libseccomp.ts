/** Compiling seccomp filters to the kernel's programs, by libseccomp, as OCI runtimes do. Source: seccomp_rule_add(3). */
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs'
import type { OciSeccomp, OciSyscallRule } from '../../plan/oci-types.ts'
import { defineStruct, library } from './foreign.ts'

const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
}
const OPERATORS = ['', 'SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT']
const EPERM = 1
/** Attributes: leave no_new_privs to the OCI runtime; look calls up in a binary tree, not one after the other. */
const CTL_NNP = 3
const CTL_OPTIMIZE = 8
const BINARY_TREE = 2
/** `__NR_SCMP_ERROR`: a name that this version doesn't know. */
const UNKNOWN = -1

const seccomp = library('libseccomp.so.2')
let defined = false

/** Whether this compiler knows all of the filter's words; the others are the OCI runtime's to understand. */
function isSimple(filter: OciSeccomp): boolean {
  const simple = ({ action, args = [] }: OciSyscallRule) =>
    action in ACTIONS &&
    args.every(({ op, index }, i) => OPERATORS.includes(op) && args.findIndex(arg => arg.index === index) === i)
  return filter.defaultAction in ACTIONS && filter.syscalls.every(simple)
}

/**
 * The filter as a BPF program, or `undefined` when libseccomp is not there or the filter has words this doesn't know.
 * `scratch` is a file that is made and removed. Takes about ten milliseconds: keep the outcome.
 */
export function compileSeccomp(filter: OciSeccomp, scratch: string): Buffer | undefined {
  if (!isSimple(filter)) return undefined
  try {
    if (!defined) defineStruct('scmp_arg_cmp', { arg: 'uint32_t', op: 'int', datum_a: 'uint64_t', datum_b: 'uint64_t' })
    defined = true
    return compile(filter, scratch)
  } catch {
    return undefined
  }
}

function compile(filter: OciSeccomp, scratch: string): Buffer {
  const context = seccomp('void *seccomp_init(uint32_t action)')(actionOf(filter.defaultAction, filter.defaultErrnoRet))
  try {
    const setAttribute = seccomp('int seccomp_attr_set(void *context, int attribute, uint32_t value)')
    setAttribute(context, CTL_NNP, 0)
    // Older versions don't have it; then the program is only slower.
    setAttribute(context, CTL_OPTIMIZE, BINARY_TREE)
    for (const architecture of filter.architectures) addArchitecture(context, architecture)
    for (const rule of filter.syscalls) addRule(context, rule, actionOf(filter.defaultAction, filter.defaultErrnoRet))
    const fd = openSync(scratch, 'wx', 0o600)
    try {
      succeed(seccomp('int seccomp_export_bpf(void *context, int fd)')(context, fd), 'export')
    } finally {
      closeSync(fd)
    }
    return readFileSync(scratch)
  } finally {
    seccomp('void seccomp_release(void *context)')(context)
    try {
      unlinkSync(scratch)
    } catch {
      // It was never made.
    }
  }
}

function actionOf(action: string, errno = EPERM): number {
  const value = ACTIONS[action]!
  return action === 'SCMP_ACT_ERRNO' ? value | errno : value
}

const EEXIST = -17

function addArchitecture(context: unknown, name: string): void {
  const token = seccomp('uint32_t seccomp_arch_resolve_name(const char *name)')(
    name.replace('SCMP_ARCH_', '').toLowerCase(),
  )
  const added = seccomp('int seccomp_arch_add(void *context, uint32_t architecture)')(context, token)
  if (added !== EEXIST) succeed(added, `architecture ${name}`)
}

function addRule(context: unknown, rule: OciSyscallRule, defaultAction: number): void {
  const action = actionOf(rule.action, rule.errnoRet)
  // libseccomp refuses a rule that says what happens anyway.
  if (action === defaultAction) return
  const resolve = seccomp('int seccomp_syscall_resolve_name(const char *name)')
  const add = seccomp(
    'int seccomp_rule_add_array(void *context, uint32_t action, int call, unsigned int count, scmp_arg_cmp *conditions)',
  )
  const conditions = (rule.args ?? []).map(({ index, value, op }) => ({
    arg: index,
    op: OPERATORS.indexOf(op),
    datum_a: value,
    datum_b: 0,
  }))
  for (const name of rule.names) {
    const number = resolve(name)
    if (number !== UNKNOWN) succeed(add(context, action, number, conditions.length, conditions), `rule for ${name}`)
  }
}

function succeed(result: number, what: string): void {
  if (result < 0) throw new Error(`libseccomp: ${what}: ${result}`)
}
