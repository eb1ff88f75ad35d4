/** Flags of `kube play` that are in no manifest: logs, files of the image that stay, how registries are asked. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { KubeError } from '../diagnostic.ts'
import type { RegistrySettings } from '../engine/ports.ts'
import type { LoggingPlan, PodSettings } from '../plan/types.ts'
import { truthOf } from './truth.ts'

export interface SettingOptions {
  /** `false`: the images' own /etc/hosts stays. */
  readonly hosts?: boolean
  /** `false`: the images' own /etc/hostname stays. */
  readonly hostname?: boolean
  readonly logDriver?: string
  /** `NAME=VALUE`. */
  readonly logOpt?: readonly string[]
  readonly authfile?: string
  readonly creds?: string
  readonly tlsVerify?: string | boolean
}

/** Absent when everything is as usual. Fails with exit status 2 for what there is not. */
export function settingsOf(options: SettingOptions): PodSettings | undefined {
  const logging = loggingOf(options)
  const settings: PodSettings = {
    ...(options.hosts === false ? { imageHosts: true } : {}),
    ...(options.hostname === false ? { imageHostname: true } : {}),
    ...(logging === undefined ? {} : { logging }),
  }
  return Object.keys(settings).length === 0 ? undefined : settings
}

/** Relative to the caller's directory. */
export function registryOf({ authfile, creds, tlsVerify }: SettingOptions, cwd: string): RegistrySettings {
  const verify = truthOf(tlsVerify, '--tls-verify')
  return {
    ...(authfile === undefined ? {} : { authFile: resolve(cwd, authfile) }),
    ...(creds === undefined ? {} : { credentials: creds }),
    ...(verify === undefined ? {} : { tlsVerify: verify }),
  }
}

/** Where conmon finds the journal. Source: systemd.journal-fields(7). */
const JOURNAL_SOCKET = '/run/systemd/journal/socket'

/** podman's names of drivers. Source: podman-kube-play(1), --log-driver. */
const DRIVERS: Readonly<Record<string, LoggingPlan['driver']>> = {
  'k8s-file': 'k8s-file',
  'json-file': 'k8s-file',
  journald: 'journald',
  none: 'none',
}

function loggingOf({ logDriver = 'k8s-file', logOpt = [] }: SettingOptions): LoggingPlan | undefined {
  const driver = DRIVERS[logDriver]
  if (driver === undefined) {
    const hint = /^passthrough/.test(logDriver)
      ? 'containers have no terminal of the caller: `kube play --attach` prints what they write'
      : 'k8s-file, journald or none'
    throw new KubeError('Usage', `--log-driver: ${logDriver} is not supported`, { exitStatus: 2, hint })
  }
  if (driver === 'journald' && !existsSync(JOURNAL_SOCKET)) {
    throw new KubeError('NoJournal', '--log-driver: this machine has no journal', {
      hint: `journald would listen at ${JOURNAL_SOCKET}; leave the flag out to log into files`,
    })
  }
  const options = Object.assign({}, ...logOpt.map(text => logOption(text, driver))) as Omit<LoggingPlan, 'driver'>
  return driver === 'k8s-file' && logOpt.length === 0 ? undefined : { driver, ...options }
}

/** Source: podman-kube-play(1), --log-opt. */
function logOption(text: string, driver: LoggingPlan['driver']): Partial<LoggingPlan> {
  const fail = (message: string, hint: string) =>
    new KubeError('Usage', `--log-opt: ${message}`, { exitStatus: 2, hint })
  const at = text.indexOf('=')
  const [name, value] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)]
  if (name === 'max-size') {
    const maxSizeBytes = parseSize(value)
    if (maxSizeBytes === undefined || driver === 'none') throw fail(`not a size: ${value}`, 'such as max-size=10mb')
    return { maxSizeBytes }
  }
  if (name === 'tag' && driver === 'journald') return { tag: value }
  if (name === 'tag') throw fail('tag is for the journal', 'add --log-driver=journald')
  if (name === 'path') throw fail('logs have their place below --root', '`kube logs` prints them')
  throw fail(`not an option: ${text}`, 'max-size=SIZE, or with journald tag=TEXT')
}

const UNITS = ['', 'k', 'm', 'g', 't']

/** `10mb`, `512k`: in powers of 1024. Source: github.com/docker/go-units, RAMInBytes. */
function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]?)i?b?$/i.exec(text) ?? []
  const bytes = Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit.toLowerCase()))
  return number === undefined || bytes <= 0 ? undefined : bytes
}
