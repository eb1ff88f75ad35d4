/** OCI runtimes by the name that a pod's `runtimeClassName` leads to. */
import { accessSync, constants, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { KubeError } from '../../diagnostic.ts'
import { findProgram } from '../sys/find-program.ts'
import { parseToml, type TomlTable, type TomlValue } from '../sys/toml.ts'

/** A later file's entry counts. Source: containers.conf(5). */
const FILES = ['/usr/share/containers/containers.conf', '/etc/containers/containers.conf']

/**
 * The program's absolute path: as `[engine.runtimes]` of containers.conf has it, else a program of that name.
 * Fails with `RuntimeClassNotFound`.
 */
export function findRuntime(name: string): string {
  const program = configured(name) ?? findProgram(name)
  if (program !== undefined) return program
  throw new KubeError('RuntimeClassNotFound', `RuntimeClass "${name}" not found`, {
    hint: `install an OCI runtime of that name, or name one in /etc/containers/containers.conf, [engine.runtimes]`,
  })
}

function configured(name: string): string | undefined {
  for (const file of [...FILES, `${homedir()}/.config/containers/containers.conf`].reverse()) {
    const paths = table(table(readConfig(file).engine).runtimes)[name]
    if (!Array.isArray(paths)) continue
    const program = paths.find((path): path is string => typeof path === 'string' && isProgram(path))
    if (program !== undefined) return program
  }
  return undefined
}

function table(value: TomlValue | undefined): TomlTable {
  return typeof value === 'object' && !Array.isArray(value) ? (value as TomlTable) : {}
}

/** One that is not there, or not TOML, configures nothing. */
function readConfig(file: string): TomlTable {
  try {
    return parseToml(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
