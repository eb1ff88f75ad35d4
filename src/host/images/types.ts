/** The image store's vocabulary. An *image* is a manifest and config named by digest, with references (tags) pointing at it; a *layer* is an unpacked file tree named by its diffID. */

/** `sha256:` and 64 hex digits. */
export type Digest = string

/** What an image's config says of how to run it. Source: OCI image spec, config.md. */
export interface ImageConfig {
  readonly user?: string
  readonly env: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly cmd?: readonly string[]
  readonly workingDir?: string
  readonly exposedPorts: readonly string[]
  readonly volumes: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  readonly stopSignal?: string
}

export interface Image {
  /** Digest of the config blob: the image ID of podman and docker. */
  readonly id: Digest
  /** Digest of the manifest, for `imageID` in a container status; absent for an image that was imported without one. */
  readonly manifestDigest?: Digest
  /** Normalized references that point at it: `docker.io/library/busybox:1.36`. */
  readonly references: readonly string[]
  readonly config: ImageConfig
  /** DiffIDs, lowest first. */
  readonly layers: readonly Digest[]
  /** Bytes of the unpacked layers. */
  readonly sizeBytes: number
  /** RFC 3339. */
  readonly created?: string
  readonly os: string
  readonly architecture: string
}

export interface RegistryAuth {
  /** auth.json of podman or config.json of docker; default: where those tools look. */
  readonly authFile?: string
  /** Texts of docker's config.json (imagePullSecrets), asked before the files; each that knows the registry is tried. */
  readonly authTexts?: readonly string[]
  /** `user:password`, instead of anything in texts and files. */
  readonly credentials?: string
  /** Default true; plain HTTP and unverified TLS are allowed for loopback registries without it. */
  readonly tlsVerify?: boolean
}

export interface PullProgress {
  readonly reference: string
  readonly layer: Digest
  readonly doneBytes: number
  /** Absent while unknown. */
  readonly totalBytes?: number
  readonly state: 'waiting' | 'pulling' | 'unpacking' | 'done' | 'present'
}

export interface PullOptions extends RegistryAuth {
  /** `os/arch[/variant]`; default: this machine. */
  readonly platform?: string
  readonly onProgress?: (progress: PullProgress) => void
  readonly signal?: AbortSignal
}

/** The port. Removing what is absent succeeds. One directory holds everything; several processes may use it at once. */
export interface ImageStore {
  /** Every image, newest first. */
  list(): readonly Image[]
  /** By reference (normalized as podman and kubelet do: `nginx` is `docker.io/library/nginx:latest`; a local-only name also matches `localhost/NAME`), `name@digest`, or an ID or unique prefix of at least 4 hex digits of one. */
  find(reference: string): Image | undefined
  /** Makes the image present and current. Fails with code `ImageNotFound`, `RegistryUnauthorized`, `RegistryUnreachable`, `DigestMismatch`, `NoSpace`, ... */
  pull(reference: string, options?: PullOptions): Promise<Image>
  /** From a docker-archive, an oci-archive or an OCI layout directory; returns what it held. */
  load(path: string, options?: { readonly signal?: AbortSignal }): Promise<readonly Image[]>
  /** One layer from a root file system tar (plain, gzip or zstd; `-` is standard input). */
  importRootfs(
    path: string,
    reference: string,
    config?: Partial<ImageConfig>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Image>
  tag(image: string, reference: string): Image
  /** Takes a reference away; the image and its layers go with the last one. Fails with `ImageInUse` when `inUse(id)` says so, unless `force`. */
  remove(
    reference: string,
    options: { readonly force?: boolean; readonly inUse: (id: Digest) => boolean },
  ): Promise<RemovedImage>
  /** Layers and blobs that nothing refers to (a killed pull's leftovers). */
  prune(): Promise<{ readonly freedBytes: number }>
  /** The lower directories for overlay, uppermost first, as paths relative to `layersDir`: short, for mount(2)'s one page of options. */
  lowerDirs(image: Image): { readonly layersDir: string; readonly names: readonly string[] }
  close(): void
}

export interface RemovedImage {
  readonly untagged: readonly string[]
  readonly deleted: readonly Digest[]
}
