/** Seccomp profiles that manifests name: `seccompProfile: { type: Localhost }`. */
import { errnoOf, KubeError } from '../../diagnostic.ts'
import { readRegularFile } from '../sys/regular-file.ts'

/** Its JSON. Fails with `SeccompProfileMissing` and `SeccompProfileInvalid`. */
export function readSeccompProfile(path: string): object {
  let text: string
  try {
    text = readRegularFile(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new KubeError('SeccompProfileMissing', `seccomp profile ${path} does not exist`)
  }
  try {
    const profile: unknown = JSON.parse(text)
    if (typeof profile === 'object' && profile !== null) return profile
  } catch (error) {
    throw new KubeError('SeccompProfileInvalid', `seccomp profile ${path} is not JSON`, { cause: error })
  }
  throw new KubeError('SeccompProfileInvalid', `seccomp profile ${path} is not an object`)
}
