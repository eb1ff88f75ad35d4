/** The image store, as far as the engine needs it. */
import type { ImageDefaults } from '../plan/facts.ts'

/** What the engine asks of the image store. */
export interface ImagePort {
  find(reference: string): EngineImage | undefined
  /** The same, not as it was when it was asked for the last time. */
  findNow(reference: string): EngineImage | undefined
  /** Fails with `InvalidImageName`. */
  requireName(reference: string): void
  pull(reference: string, options: RegistrySettings & { readonly signal?: AbortSignal }): Promise<EngineImage>
}

/** How registries are asked. */
export interface RegistrySettings {
  /** auth.json of podman or config.json of docker. Default: where those tools look. */
  readonly authFile?: string
  /** Texts of such files (imagePullSecrets), asked before them. */
  readonly authTexts?: readonly string[]
  /** `user:password`, instead of anything in texts and files. */
  readonly credentials?: string
  /** `false`: plain HTTP or an unverified certificate will do. */
  readonly tlsVerify?: boolean
}

export interface EngineImage {
  readonly id: string
  /** Normalized names: `docker.io/library/busybox:1.36`. Default none. */
  readonly references?: readonly string[]
  /** What its registry calls it; absent for an image that never was in one. */
  readonly manifestDigest?: string
  /** Bytes of its unpacked layers. */
  readonly sizeBytes?: number
  readonly config: ImageDefaults
}
