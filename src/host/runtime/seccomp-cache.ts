/**
 * Compiled seccomp filters, kept on disk. The OCI runtime would compile the same filter again for every container, which
 * takes longer than everything else it does; crun takes a compiled one by an annotation. Source: crun(1),
 * run.oci.seccomp_bpf_data.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { fingerprint } from '../../plan/fingerprint.ts'
import type { OciSeccomp, OciSpec } from '../../plan/oci-types.ts'
import { compileSeccomp } from '../sys/libseccomp.ts'

const ANNOTATION = 'run.oci.seccomp_bpf_data'

export interface SeccompCache {
  /** The same specification with its filter compiled; unchanged where that can't be done. */
  precompiled(spec: OciSpec): OciSpec
}

/** `isKnown`: whether the runtime takes compiled filters; one that doesn't would run containers without any. Asked once for each filter. */
export function openSeccompCache(directory: string, isKnown: () => boolean = () => true): SeccompCache {
  const programs = new Map<string, string | undefined>()
  /** The same object is asked for again and again; hashing it each time would cost more than everything else here. */
  const byObject = new WeakMap<OciSeccomp, string | undefined>()

  function programOf(filter: OciSeccomp): string | undefined {
    const key = fingerprint(JSON.stringify(filter))
    if (programs.has(key)) return programs.get(key)
    const program = readProgram(`${directory}/${key}`) ?? compileInto(filter, key)
    programs.set(key, program)
    return program
  }

  function compileInto(filter: OciSeccomp, key: string): string | undefined {
    if (!isKnown()) return undefined
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const scratch = `${directory}/${key}.${process.pid}`
    const program = compileSeccomp(filter, scratch)?.toString('base64')
    if (program === undefined) return undefined
    writeFileSync(scratch, program, { mode: 0o600 })
    renameSync(scratch, `${directory}/${key}`)
    return program
  }

  return {
    precompiled(spec) {
      const filter = spec.linux?.seccomp
      if (!filter) return spec
      if (!byObject.has(filter)) byObject.set(filter, programOf(filter))
      const program = byObject.get(filter)
      if (program === undefined) return spec
      const { seccomp: _seccomp, ...linux } = spec.linux
      return { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: program }, linux }
    },
  }
}

function readProgram(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8')
    return text === '' ? undefined : text
  } catch {
    return undefined
  }
}
