import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseChanges } from './changes.ts'

test('instructions become a config', () => {
  const config = parseChanges([
    'CMD ["httpd", "-f", "-p", "80"]',
    'ENTRYPOINT exec "$@"',
    'ENV A=b C="d e" F=\'g h\' I=j\\ k',
    'ENV OLD some text',
    'EXPOSE 80 53/udp',
    'label a=b',
    'VOLUME /data /logs',
    'VOLUME ["/more"]',
    'USER 33:33',
    'WORKDIR /www',
    'STOPSIGNAL SIGINT',
  ])
  assert.deepEqual(config, {
    cmd: ['httpd', '-f', '-p', '80'],
    entrypoint: ['/bin/sh', '-c', 'exec "$@"'],
    env: ['A=b', 'C=d e', 'F=g h', 'I=j k', 'OLD=some text'],
    exposedPorts: ['80/tcp', '53/udp'],
    labels: { a: 'b' },
    volumes: ['/data', '/logs', '/more'],
    user: '33:33',
    workingDir: '/www',
    stopSignal: 'SIGINT',
  })
})

test("the form with = is podman's", () => {
  assert.deepEqual(parseChanges(['CMD=["sh"]', 'ENV=A=b']), { cmd: ['sh'], env: ['A=b'] })
})

for (const change of ['RUN ls', 'CMD', 'CMD [1]', 'CMD ["a"', 'ENV x', 'EXPOSE web', '']) {
  test(`refuses ${JSON.stringify(change)}`, () => {
    assert.throws(() => parseChanges([change]), { code: 'InvalidChange', exitStatus: 2 })
  })
}
