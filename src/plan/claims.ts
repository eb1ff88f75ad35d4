/** Storage that outlives pods: claims, the volumes they are bound to, and claims made for one pod. */
import type {
  V1EphemeralVolumeSource,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1PersistentVolumeClaimSpec,
  V1PersistentVolumeClaimVolumeSource,
} from '@kubernetes/client-node'
import type { FieldPath } from '../diagnostic.ts'
import { type Finding, warning } from '../manifest/finding.ts'
import { wholeAmount } from './amount.ts'
import type { PodContext, PodSource, VolumeResult } from './context.ts'
import { resolveHostPath } from './host-path.ts'
import { refused } from './refused.ts'
import type { ClaimPlan, HostPathType } from './types.ts'

/** A claim that no manifest defines is a directory of kube's own under that name, as podman's named volumes are. */
export function planClaim(
  name: string,
  source: V1PersistentVolumeClaimVolumeSource,
  pod: PodSource,
  context: PodContext,
  path: FieldPath,
): VolumeResult {
  const base: ClaimPlan = {
    name,
    kind: 'claim',
    namespace: pod.namespace,
    claim: source.claimName,
    readOnly: source.readOnly === true,
    ephemeral: false,
    block: false,
  }
  const claim = context.find('PersistentVolumeClaim', pod.namespace, source.claimName)
  if (!claim) {
    const message = `persistentvolumeclaim "${source.claimName}" is not in the manifest: an existing or new volume of that name is used`
    const lacks = { kind: 'PersistentVolumeClaim', name: source.claimName }
    return { volume: base, findings: [{ ...warning([...path, 'claimName'], 'ClaimNotDefined', message), lacks }] }
  }
  const plan = { ...base, ...claimSettings(claim.spec), ...ownerSettings(claim) }
  const volume = context.boundVolume(pod.namespace, source.claimName)
  if (volume) {
    return bind(plan, claim, volume, context, path)
  }
  return plan.block ? { findings: [blockWithoutDevice(path, source.claimName)] } : { volume: plan, findings: [] }
}

function claimSettings(
  spec: V1PersistentVolumeClaimSpec | undefined,
): Pick<ClaimPlan, 'block' | 'exclusive' | 'sizeBytes'> {
  const size = wholeAmount(spec?.resources?.requests?.storage)
  return {
    block: spec?.volumeMode === 'Block',
    ...(spec?.accessModes?.includes('ReadWriteOncePod') ? { exclusive: true } : {}),
    ...(size > 0 ? { sizeBytes: size } : {}),
  }
}

const PODMAN = 'volume.podman.io/'

/** podman's `volume.podman.io/uid` and `/gid`. */
function ownerSettings({ metadata }: V1PersistentVolumeClaim): Pick<ClaimPlan, 'uid' | 'gid'> {
  const id = (name: 'uid' | 'gid') => {
    const text = metadata?.annotations?.[PODMAN + name]
    return text !== undefined && /^\d+$/.test(text) ? { [name]: Number(text) } : {}
  }
  return { ...id('uid'), ...id('gid') }
}

function blockWithoutDevice(path: FieldPath, claim: string): Finding {
  return refused(path, `claim ${claim} is a block device: name one with a PersistentVolume and volumeName`)
}

/** A claim that is bound to a PersistentVolume gets the path that one describes. */
function bind(
  plan: ClaimPlan,
  claim: V1PersistentVolumeClaim,
  volume: V1PersistentVolume,
  context: PodContext,
  path: FieldPath,
): VolumeResult {
  const spec = volume.spec
  const at = [...path, 'claimName']
  const name = volume.metadata?.name ?? ''
  const findings: Finding[] = []
  for (const mode of claim.spec?.accessModes ?? []) {
    if (spec?.accessModes && !spec.accessModes.includes(mode)) {
      findings.push(bindingError(at, plan.claim, `persistentvolume "${name}" does not offer ${mode}`))
    }
  }
  const ref = spec?.claimRef
  if (ref?.name && (ref.name !== plan.claim || (ref.namespace ?? plan.namespace) !== plan.namespace)) {
    findings.push(bindingError(at, plan.claim, `persistentvolume "${name}" is reserved for claim "${ref.name}"`))
  }
  const local = spec?.hostPath ?? spec?.local
  if (!local) {
    findings.push(refused(at, `persistentvolume "${name}" is neither hostPath nor local`))
    return { findings }
  }
  const { hostPath, findings: pathFindings } = resolveHostPath(local.path, context, at)
  findings.push(...pathFindings)
  if (hostPath === undefined || findings.some(finding => finding.severity === 'error')) return { findings }
  const pathType = (spec?.hostPath?.type ?? '') as HostPathType
  return { volume: { ...plan, path: hostPath, pathType }, findings }
}

function bindingError(path: FieldPath, claim: string, reason: string): Finding {
  return {
    severity: 'error',
    code: 'ClaimNotBound',
    message: `persistentvolumeclaim "${claim}" cannot be bound: ${reason}`,
    path,
  }
}

/** A claim of the pod's own, named after both, that goes with the pod. */
export function planEphemeral(
  name: string,
  source: V1EphemeralVolumeSource,
  pod: PodSource,
  path: FieldPath,
): VolumeResult {
  if (!source.volumeClaimTemplate) return { findings: [refused(path, 'it has no volumeClaimTemplate')] }
  const volume: ClaimPlan = {
    name,
    kind: 'claim',
    namespace: pod.namespace,
    claim: `${pod.name}-${name}`,
    readOnly: false,
    ephemeral: true,
    ...claimSettings(source.volumeClaimTemplate.spec),
  }
  if (volume.block) return { findings: [blockWithoutDevice(path, volume.claim)] }
  return { volume, findings: [] }
}
