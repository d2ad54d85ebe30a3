import type { Model, MountConfig } from '../../file/model.ts'
import { type Json, number, withoutEmpty } from './json.ts'

/** Mounts in the engine's two forms. */
export function mountsOf(
  volumes: readonly MountConfig[],
  model: Model,
): { readonly binds: readonly string[]; readonly mounts: readonly Json[] } {
  const resolved = volumes.map((mount) => resolvedSource(mount, model.volumes))
  return {
    binds: resolved.filter(isBindText).map(bindText),
    mounts: resolved.filter((mount) => !isBindText(mount)).map(mountObject),
  }
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
