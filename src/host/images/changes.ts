/** `--change`: a few Dockerfile instructions as an image's config. Source: podman-import(1), Dockerfile reference. */
import { KubeError } from '../../diagnostic.ts'
import type { ImageConfig } from './types.ts'

type Draft = { -readonly [K in keyof ImageConfig]?: ImageConfig[K] }

function wrong(change: string, reason: string): KubeError {
  return new KubeError('InvalidChange', `--change ${JSON.stringify(change)}: ${reason}`, {
    exitStatus: 2,
    hint: 'CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME and WORKDIR can be changed: --change \'CMD ["httpd", "-f"]\'',
  })
}

/** `["a", "b"]`, or a line for the shell. */
function command(change: string, value: string): readonly string[] {
  if (!value.startsWith('[')) return ['/bin/sh', '-c', value]
  try {
    const list: unknown = JSON.parse(value)
    if (Array.isArray(list) && list.every((item): item is string => typeof item === 'string')) return list
  } catch {
    // Told below.
  }
  throw wrong(change, 'not a JSON list of strings')
}

/** Words with their quotes taken off: `a="b c" d=e`. */
function words(value: string): readonly string[] {
  const found = value.match(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/g) ?? []
  return found.map(word =>
    word.replace(
      /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
      (_, escaped?: string, double?: string, single?: string) =>
        escaped ?? double?.replace(/\\(.)/g, '$1') ?? single ?? '',
    ),
  )
}

/** `A=b C=d`, or docker's old `A b c`. */
function pairs(change: string, value: string): readonly (readonly [string, string])[] {
  const list = words(value)
  if (list[0] !== undefined && !list[0].includes('=')) {
    const [, key, rest] = /^(\S+)\s+(.+)$/.exec(value) ?? []
    if (key === undefined || rest === undefined) throw wrong(change, 'not KEY=VALUE')
    return [[key, rest]]
  }
  return list.map(word => {
    const equals = word.indexOf('=')
    if (equals < 1) throw wrong(change, 'not KEY=VALUE')
    return [word.slice(0, equals), word.slice(equals + 1)]
  })
}

/** Later changes win; ENV, LABEL, EXPOSE and VOLUME add up. Throws `InvalidChange`. */
export function parseChanges(changes: readonly string[]): Partial<ImageConfig> {
  const draft: Draft = {}
  for (const change of changes) {
    const [, name = '', text = ''] = /^\s*([A-Za-z]+)(?:\s+|=)(.*?)\s*$/s.exec(change) ?? []
    if (text === '') throw wrong(change, 'not INSTRUCTION VALUE')
    switch (name.toUpperCase()) {
      case 'CMD':
        draft.cmd = command(change, text)
        break
      case 'ENTRYPOINT':
        draft.entrypoint = command(change, text)
        break
      case 'ENV':
        draft.env = [...(draft.env ?? []), ...pairs(change, text).map(([key, value]) => `${key}=${value}`)]
        break
      case 'LABEL':
        draft.labels = { ...draft.labels, ...Object.fromEntries(pairs(change, text)) }
        break
      case 'EXPOSE':
        for (const port of words(text)) {
          if (!/^\d{1,5}(?:\/(?:tcp|udp|sctp))?$/.test(port)) throw wrong(change, `${port} is no port`)
          draft.exposedPorts = [...(draft.exposedPorts ?? []), port.includes('/') ? port : `${port}/tcp`]
        }
        break
      case 'VOLUME':
        draft.volumes = [...(draft.volumes ?? []), ...(text.startsWith('[') ? command(change, text) : words(text))]
        break
      case 'USER':
        draft.user = text
        break
      case 'WORKDIR':
        draft.workingDir = text
        break
      case 'STOPSIGNAL':
        draft.stopSignal = text
        break
      default:
        throw wrong(change, `${name} is not an instruction that can be changed`)
    }
  }
  return draft
}
