import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtimeError } from './runtime-error.ts'

const cases: readonly (readonly [string, string, RegExp])[] = [
  [
    '{"msg":"executable file `nope` not found in $PATH: No such file or directory","level":"error"}',
    'CommandNotFound',
    /"nope"/,
  ],
  ['exec: "nope": executable file not found in $PATH: unknown', 'CommandNotFound', /"nope"/],
  ['{"msg":"open executable: Permission denied","level":"error"}', 'CommandNotExecutable', /cannot be executed/],
  [
    'write file `/proc/thread-self/attr/apparmor/exec`: No such file or directory',
    'AppArmorProfileMissing',
    /is not loaded/,
  ],
  [
    'controller `hugetlb` is not available under /sys/fs/cgroup/kube/x/cgroup.controllers',
    'LimitNotSupported',
    /controller hugetlb/,
  ],
  ['write: No space left on device', 'NoSpace', /no space/],
  ['conmon: option parsing failed: Unknown option --full-attach', 'ToolTooOld', /too old.*--full-attach/],
  ['/x/crun: error while loading shared libraries: libyajl.so.2: no', 'ToolBroken', /does not run.*libyajl/],
  ['{"msg":"write to seccomp fd","level":"error"}', 'NoSpace', /no space/],
  [
    '{"msg":"something is unsupported","level":"warning"}\n{"msg":"it broke","level":"error"}',
    'RuntimeFailed',
    /OCI runtime: it broke$/,
  ],
]

for (const [output, code, message] of cases) {
  test(`${code}: ${output.slice(0, 40)}`, () => {
    const error = runtimeError(output, 'f00')
    assert.equal(error.code, code)
    assert.match(error.message, message)
  })
}
