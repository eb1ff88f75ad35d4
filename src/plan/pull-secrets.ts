/** Credentials for registries from the Secrets that `imagePullSecrets` names. */
import type { V1PodSpec } from '@kubernetes/client-node'
import { type Finding, warning } from '../manifest/finding.ts'
import type { PodContext, PodSource } from './context.ts'
import { contentText } from './key-content.ts'
import { secretFiles } from './lookup.ts'

export interface PullSecretsResult {
  readonly registryAuths: readonly string[]
  readonly findings: readonly Finding[]
}

const CONFIG_JSON = '.dockerconfigjson'
const OLD_CONFIG = '.dockercfg'

/** A missing Secret is no error, as under the kubelet: the image may be present, or public. */
export function planPullSecrets(source: PodSource, context: PodContext): PullSecretsResult {
  const registryAuths: string[] = []
  const findings: Finding[] = []
  for (const [index, { name = '' }] of ((source.pod.spec as V1PodSpec).imagePullSecrets ?? []).entries()) {
    const at = ['spec', 'imagePullSecrets', index, 'name']
    const secret = context.find('Secret', source.namespace, name)
    const files = secret ? secretFiles(secret) : {}
    const config = files[CONFIG_JSON] ?? files[OLD_CONFIG]
    if (config !== undefined) {
      const text = contentText(config)
      registryAuths.push(files[CONFIG_JSON] === undefined ? `{"auths":${text}}` : text)
    } else if (secret) {
      findings.push(warning(at, 'PullSecretUnusable', `secret "${name}" holds no key ${CONFIG_JSON} or ${OLD_CONFIG}`))
    } else {
      const message = `secret "${name}" not found: images are pulled without it`
      findings.push({ ...warning(at, 'ObjectNotFound', message), lacks: { kind: 'Secret', name } })
    }
  }
  return { registryAuths, findings }
}
