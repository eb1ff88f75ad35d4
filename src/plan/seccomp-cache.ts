/**
 * Compiled seccomp filters. Compiling the default profile takes the OCI runtime about 15 ms for each container; crun
 * takes a compiled one instead, and leaves what it compiled as `seccomp.bpf` in the container's state directory.
 */
import { hashOf } from './canonical.ts'
import type { OciSpec } from './oci-types.ts'

/** Names the compiled form of a spec's filter, for one version of the runtime; undefined for a spec without a filter. */
export function seccompKey(spec: OciSpec, runtimeVersion: string): string | undefined {
  return spec.linux.seccomp && hashOf([runtimeVersion, spec.linux.seccomp])
}

/** The spec with its compiled filter (the bytes in base64). A runtime that does not know the annotation compiles as before. */
export function withCompiledSeccomp(spec: OciSpec, bpf: string): OciSpec {
  return { ...spec, annotations: { ...spec.annotations, 'run.oci.seccomp_bpf_data': bpf } }
}
