import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command, Option } from 'commander'
import { goFlags } from './go-flags.ts'

const COMMAND = new Command('get')
  .option('-o, --output <format>')
  .option('-l, --selector <labels>')
  .option('-w, --watch')
  .option('--wait [what]')
  .option('--prefix [bool]')
  .addOption(new Option('--cascade [mode]').preset('background'))

function spelled(line: string): string {
  return goFlags(line.split(' '), COMMAND).join(' ')
}

test('a short flag may have its value behind an equals sign', () => {
  assert.equal(spelled('get pods -o=jsonpath={.a==1} -l=app=web,b==c'), 'get pods -o jsonpath={.a==1} -l app=web,b==c')
  assert.equal(spelled('get pods -ojson -lapp=web'), 'get pods -ojson -lapp=web')
  assert.equal(spelled('get --output=json --selector=a=b'), 'get --output=json --selector=a=b')
})

test('flags without a value may be told yes or no', () => {
  assert.equal(spelled('get -w=true --watch=false'), 'get -w')
  assert.equal(spelled('get --watch=true -w=false --wait=ready'), 'get --watch --wait=ready')
  assert.equal(spelled('logs --prefix x'), 'logs --prefix=true x')
  assert.equal(spelled('logs --prefix=false x'), 'logs --prefix=false x')
  assert.equal(spelled('delete --cascade x'), 'delete --cascade=background x')
  assert.equal(spelled('delete --cascade=orphan x'), 'delete --cascade=orphan x')
})

test("what follows two hyphens is somebody else's", () => {
  assert.equal(spelled('exec web -- ls -o=x --watch=true'), 'exec web -- ls -o=x --watch=true')
})
