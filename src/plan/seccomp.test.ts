import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFAULT_CAPABILITIES } from './capabilities.ts'
import type { OciSeccomp } from './oci-types.ts'
import { defaultSeccomp } from './seccomp.ts'

/** What happens to a call without looking at its arguments. */
function actionOf(filter: OciSeccomp, name: string): string {
  const rule = filter.syscalls.find(({ names, args }) => args === undefined && names.includes(name))
  const { action, errnoRet } = rule ?? { action: filter.defaultAction, errnoRet: filter.defaultErrnoRet }
  return action === 'SCMP_ACT_ALLOW' ? 'allow' : `errno ${errnoRet}`
}

const usual = defaultSeccomp(DEFAULT_CAPABILITIES, 'SCMP_ARCH_X86_64')

test('ordinary calls are allowed, an administrator refused, the unknown not there', () => {
  for (const name of ['read', 'openat', 'clone3', 'futex', 'chroot', 'arch_prctl'])
    assert.equal(actionOf(usual, name), 'allow')
  for (const name of ['kexec_load', 'init_module', 'bpf', 'sethostname', 'swapon'])
    assert.equal(actionOf(usual, name), 'errno 1')
  assert.equal(actionOf(usual, 'a_call_of_tomorrow'), 'errno 38')
})

test('capabilities open what they are for', () => {
  const all = defaultSeccomp(['SYS_ADMIN', 'SYS_MODULE', 'BPF'], 'SCMP_ARCH_X86_64')
  for (const name of ['sethostname', 'init_module', 'bpf', 'quotactl']) assert.equal(actionOf(all, name), 'allow')
  assert.equal(actionOf(all, 'chroot'), 'errno 1')
})

test('no call has two rules that disagree', () => {
  for (const capabilities of [DEFAULT_CAPABILITIES, [], ['SYS_ADMIN', 'BPF', 'PERFMON']]) {
    const unconditional = defaultSeccomp(capabilities, 'SCMP_ARCH_AARCH64').syscalls.filter(
      rule => rule.args === undefined,
    )
    const names = unconditional.flatMap(rule => rule.names)
    assert.equal(new Set(names).size, names.length)
  }
})

test('sockets to the hypervisor are refused, with and without the audit capability', () => {
  for (const capabilities of [[], ['AUDIT_WRITE']]) {
    const rules = defaultSeccomp(capabilities, 'SCMP_ARCH_X86_64').syscalls.filter(rule =>
      rule.names.includes('socket'),
    )
    assert.deepEqual(rules[0]?.args, [{ index: 0, value: 40, op: 'SCMP_CMP_EQ' }])
    assert.equal(rules[0]?.errnoRet, 1)
  }
})

test('the older ABIs of a processor are filtered too', () => {
  assert.deepEqual(usual.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  assert.deepEqual(defaultSeccomp([], 'SCMP_ARCH_RISCV64').architectures, ['SCMP_ARCH_RISCV64'])
})
