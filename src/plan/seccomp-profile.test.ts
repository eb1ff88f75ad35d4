import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MACHINE } from './fixture.ts'
import { seccompFromProfile, seccompProfilePath } from './seccomp-profile.ts'

test('a profile in the form that Docker and podman share', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      { names: ['read'], action: 'SCMP_ACT_ALLOW', args: null, includes: {}, excludes: {} },
      { names: ['bpf'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_BPF'] } },
      { names: ['bpf'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, excludes: { caps: ['CAP_BPF'] } },
      { names: ['arch_prctl'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['amd64'] } },
      { names: ['swapcontext'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['ppc64le'] } },
      { name: 'personality', action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] },
    ],
  }
  const rules = (capabilities: readonly string[]) =>
    seccompFromProfile(profile, capabilities, 'SCMP_ARCH_X86_64').syscalls.map(rule => `${rule.names} ${rule.action}`)
  assert.deepEqual(rules([]), [
    'read SCMP_ACT_ALLOW',
    'bpf SCMP_ACT_ERRNO',
    'arch_prctl SCMP_ACT_ALLOW',
    'personality SCMP_ACT_ALLOW',
  ])
  assert.ok(rules(['BPF']).includes('bpf SCMP_ACT_ALLOW'))
  assert.deepEqual(seccompFromProfile(profile, [], 'SCMP_ARCH_X86_64').architectures, [
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_X86',
  ])
})

test('something else is no profile', () => {
  assert.throws(() => seccompFromProfile({}, [], 'SCMP_ARCH_X86_64'), { code: 'SeccompProfileInvalid' })
  assert.throws(() => seccompFromProfile({ defaultAction: 'x', syscalls: {} }, [], 'SCMP_ARCH_X86_64'), {
    code: 'SeccompProfileInvalid',
  })
})

test('profiles are below one directory', () => {
  const path = (profile: string) => seccompProfilePath({ type: 'Localhost', profile }, MACHINE)
  assert.equal(path('profiles/audit.json'), '/var/lib/kubelet/seccomp/profiles/audit.json')
  for (const bad of ['', '/etc/passwd', '../x', 'a/../../x']) {
    assert.throws(() => path(bad), { code: 'SeccompProfileInvalid' })
  }
  assert.equal(seccompProfilePath({ type: 'RuntimeDefault' }, MACHINE), undefined)
})
