import { posix } from 'node:path'
import type { Model, MountConfig, ServiceConfig } from '../../file/model.ts'
import { type Json, number, withoutEmpty } from './json.ts'

/** Mounts in the engine's two forms, those of secrets and configs that are files included. */
export function mountsOf(
  config: ServiceConfig,
  model: Model,
): { readonly binds: readonly string[]; readonly mounts: readonly Json[] } {
  const volumes = (config.volumes ?? []).map((mount) => resolvedSource(mount, model.volumes))
  const resolved = [
    ...volumes,
    ...placedFiles(config, model).flatMap(({ file, target }) => (file ? fileMount(file, target) : [])),
  ]
  return {
    binds: resolved.filter(isBindText).map(bindText),
    mounts: resolved.filter((mount) => !isBindText(mount)).map(mountObject),
  }
}

/** A secret or config in a container: a file of this machine, or a text to be copied there. */
export interface PlacedFile {
  /** Absolute. */
  readonly target: string
  readonly file: string | undefined
  readonly content: string | undefined
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

/** The secrets and configs of a service, each where its container has it. */
export function placedFiles(config: ServiceConfig, model: Model): readonly PlacedFile[] {
  const sections = [
    { uses: config.secrets, known: model.secrets, directory: '/run/secrets/' },
    { uses: config.configs, known: model.configs, directory: '/' },
  ]
  return sections.flatMap(({ uses, known, directory }) =>
    (uses ?? []).map(({ source, target = source, uid, gid, mode }) => {
      const { file, content } = known[source] ?? {}
      return {
        target: posix.resolve(directory, target),
        file,
        content,
        uid: Number(uid ?? 0),
        gid: Number(gid ?? 0),
        mode: Number.parseInt(mode ?? '0444', 8),
      }
    }),
  )
}

function fileMount(source: string, target: string): MountConfig {
  return { type: 'bind', source, target, read_only: true, bind: { create_host_path: false } }
}

function resolvedSource(mount: MountConfig, volumes: Model['volumes']): MountConfig {
  const volume = mount.type === 'volume' && mount.source ? volumes[mount.source] : undefined
  return volume ? { ...mount, source: volume.name } : mount
}

/** The old form creates a missing host directory and is what Compose uses wherever it can say all there is to say. */
function isBindText({ type, source, bind, volume }: MountConfig): boolean {
  if (type === 'bind') return bind?.create_host_path !== false && !bind?.propagation && !bind?.recursive
  return type === 'volume' && !!source && !volume?.labels && !volume?.nocopy && !volume?.subpath
}

function bindText({ source, target, read_only, bind }: MountConfig): string {
  const options = [read_only ? 'ro' : 'rw', ...(bind?.selinux ? [bind.selinux] : [])]
  return `${source}:${target}:${options.join(',')}`
}

function mountObject({ type, source, target, read_only, consistency, bind, volume, tmpfs, image }: MountConfig): Json {
  return withoutEmpty({
    Type: type,
    Source: source,
    Target: target,
    ReadOnly: read_only,
    Consistency: consistency,
    BindOptions:
      bind &&
      withoutEmpty({
        Propagation: bind.propagation,
        CreateMountpoint: bind.create_host_path,
        NonRecursive: bind.recursive === 'disabled' || undefined,
        ReadOnlyNonRecursive: bind.recursive === 'writable' || undefined,
        ReadOnlyForceRecursive: bind.recursive === 'readonly' || undefined,
      }),
    VolumeOptions: volume && withoutEmpty({ NoCopy: volume.nocopy, Labels: volume.labels, Subpath: volume.subpath }),
    TmpfsOptions: tmpfs && withoutEmpty({ SizeBytes: number(tmpfs.size), Mode: tmpfs.mode }),
    ImageOptions: image && withoutEmpty({ Subpath: image.subpath }),
  })
}
