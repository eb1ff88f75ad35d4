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
  // crun 1.21; older ones get as far as opening it.
  ['the path `/etc` is not a regular file: Operation not permitted', 'CommandNotExecutable', /cannot be executed/],
  [
    'the path `/etc/passwd` exists but it is not executable: Operation not permitted',
    'CommandNotExecutable',
    /cannot be executed/,
  ],
  [
    'executable file `./nope` not found: No such file or directory',
    'CommandNotFound',
    /"\.\/nope" is not in the image$/,
  ],
  ['executable file `/no/such` not found: No such file or directory', 'CommandNotFound', /"\/no\/such" is not/],
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
  ['{"msg":"failed open()ing /dev/null: No such file or directory","level":"error"}', 'NoNullDevice', /no null device/],
  ["can't mask paths: open /dev/null: no such file or directory", 'NoNullDevice', /no null device/],
  ['write: No space left on device', 'NoSpace', /no space/],
  ['{"msg":"create keyring `f00`: Disk quota exceeded","level":"error"}', 'LimitReached', /no key left/],
  ['join session keyring: create session key: disk quota exceeded', 'LimitReached', /no key left/],
  ['open `/dev/pts/ptmx`: No space left on device', 'LimitReached', /no terminal left/],
  ['mount `proc` to `proc`: No space left on device', 'LimitReached', /no mount left/],
  ['open `/proc`: Too many open files in system', 'LimitReached', /too many open files in system/],
  ['clone: Resource temporarily unavailable', 'LimitReached', /no more processes/],
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

test('a message with a path of thousands of characters keeps its beginning and its end', () => {
  const { message } = runtimeError(`openat2 \`${'x/'.repeat(3000)}\`: File name too long`, 'id')
  assert.match(message, /^OCI runtime: openat2 `x\/.* \.\.\. .*x\/`: File name too long$/)
  assert.ok(message.length < 1000)
})
