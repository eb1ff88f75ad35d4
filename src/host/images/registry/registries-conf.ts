/**
 * /etc/containers/registries.conf and its .d directory: mirrors, other locations, plain HTTP, blocked registries. Source:
 * containers-registries.conf(5), version 2. Unqualified names are docker.io's, as for kubelet; its search list is not used.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf, KubeError } from '../../../diagnostic.ts'
import { readInput } from '../../sys/input.ts'
import { readRegularFile } from '../../sys/regular-file.ts'
import { parseToml, type TomlTable, type TomlValue } from '../../sys/toml.ts'

export interface RegistrySource {
  /** Host and repository to ask: `mirror.example:5000/library/nginx`. */
  readonly repository: string
  /** Plain HTTP or an unverified certificate will do. */
  readonly insecure: boolean
  readonly isMirror: boolean
}

interface Location {
  readonly location: string
  readonly insecure: boolean
  /** Which references a mirror answers for. */
  readonly pulls: 'all' | 'digest-only' | 'tag-only'
}

export interface RegistryRule extends Location {
  readonly prefix: string
  readonly blocked: boolean
  readonly mirrors: readonly Location[]
}

function textOf(value: TomlValue | undefined): string {
  return typeof value === 'string' ? value : ''
}

function tables(value: TomlValue | undefined): readonly TomlTable[] {
  return Array.isArray(value)
    ? value.filter((item): item is TomlTable => typeof item === 'object' && !Array.isArray(item))
    : []
}

function locationOf(table: TomlTable): Location {
  const from = textOf(table['pull-from-mirror'])
  return {
    location: textOf(table.location),
    insecure: table.insecure === true,
    pulls: from === 'digest-only' || from === 'tag-only' ? from : 'all',
  }
}

/** The rules of one file's text. */
export function parseRules(text: string): readonly RegistryRule[] {
  return tables(parseToml(text).registry).map(table => {
    const own = locationOf(table)
    const prefix = textOf(table.prefix) || own.location
    return {
      ...own,
      location: own.location || prefix,
      prefix,
      blocked: table.blocked === true,
      mirrors: tables(table.mirror).map(locationOf),
    }
  })
}

/** How many characters of `repository` the prefix covers, or -1. `*.example.com` covers a host's subdomains. */
function coverage(prefix: string, repository: string): number {
  if (prefix.startsWith('*.')) {
    const host = repository.split('/')[0] ?? ''
    const suffix = prefix.slice(1)
    const isCovered = host.endsWith(suffix) || repository.startsWith(suffix)
    return isCovered ? host.length : -1
  }
  if (prefix === '' || !repository.startsWith(prefix)) return -1
  const next = repository[prefix.length]
  return next === undefined || next === '/' ? prefix.length : -1
}

/** Whom to ask for a repository, in order. Throws `RegistryBlocked`. */
export function sourcesFor(
  rules: readonly RegistryRule[],
  repository: string,
  isDigest: boolean,
): readonly RegistrySource[] {
  let best: RegistryRule | undefined
  for (const rule of rules) {
    const covers = coverage(rule.prefix, repository)
    // The longest prefix wins; among equals the later file.
    if (covers >= 0 && rule.prefix.length >= (best?.prefix.length ?? 0)) best = rule
  }
  if (best === undefined) return [{ repository, insecure: false, isMirror: false }]
  if (best.blocked) throw new KubeError('RegistryBlocked', `registry ${best.prefix} is blocked in registries.conf`)
  const rest = repository.slice(coverage(best.prefix, repository))
  const wildcard = best.prefix.startsWith('*.')
  const mirrors = best.mirrors
    .filter(mirror => mirror.location !== '' && mirror.pulls !== (isDigest ? 'tag-only' : 'digest-only'))
    .map(mirror => ({ repository: mirror.location + rest, insecure: mirror.insecure, isMirror: true }))
  const own = wildcard && best.location === best.prefix ? repository : best.location + rest
  return [...mirrors, { repository: own, insecure: best.insecure, isMirror: false }]
}

/** Reads CONTAINERS_REGISTRIES_CONF, or the machine's files; none is an empty list. */
export async function readRegistriesConf(
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly RegistryRule[]> {
  const named = env.CONTAINERS_REGISTRIES_CONF
  const files = named ? [named] : ['/etc/containers/registries.conf']
  if (!named) {
    const directory = '/etc/containers/registries.conf.d'
    const names = await readdir(directory).catch(() => [])
    files.push(
      ...names
        .filter(name => name.endsWith('.conf'))
        .sort()
        .map(name => join(directory, name)),
    )
  }
  const rules: RegistryRule[] = []
  for (const file of files) {
    try {
      rules.push(...parseRules(named ? (await readInput(file)).toString('utf8') : readRegularFile(file)))
    } catch (cause) {
      if (errnoOf(cause) === 'ENOENT') continue
      throw new KubeError('RegistriesConfInvalid', `${file}: cannot be read`, { cause })
    }
  }
  return rules
}
