import { Api, call } from './api.ts'
import type { Connection } from './connect.ts'

/** What an engine tells of itself. */
export interface EngineInfo {
  /** `Docker`, or `Podman`, whose answers differ here and there. */
  readonly product: string
  readonly version: string
  readonly apiVersion: string
  /** `linux/x86_64` */
  readonly platform: string
  readonly operatingSystem: string
  readonly cpus: number
  readonly memoryBytes: number
  readonly rootDirectory: string
  /** `overlay2`; containerd's store names its snapshotter. */
  readonly storage: string
  readonly isContainerdStore: boolean
  /** `1` or `2`. */
  readonly cgroup: string
  readonly isRootless: boolean
  readonly hasSelinux: boolean
  /** What it warns of itself. */
  readonly warnings: readonly string[]
}

interface InfoAnswer {
  readonly ServerVersion?: string
  readonly OSType?: string
  readonly Architecture?: string
  readonly OperatingSystem?: string
  readonly NCPU?: number
  readonly MemTotal?: number
  readonly DockerRootDir?: string
  readonly Driver?: string
  readonly DriverStatus?: readonly (readonly string[])[]
  readonly CgroupVersion?: string
  readonly SecurityOptions?: readonly string[]
  readonly Warnings?: readonly string[]
}

/** Asks an engine that answered for the rest. */
export async function engineInfo(connection: Connection): Promise<EngineInfo> {
  const { docker } = await Api.open(connection)
  const [info, version] = await call('ask the engine about itself', () =>
    Promise.all([docker.info(), docker.version()]),
  )
  return infoFrom(
    info as InfoAnswer,
    (version as { Components?: readonly { Name: string }[] }).Components ?? [],
    connection,
  )
}

/** What matters of the answers to `GET /info` and `GET /version`. */
export function infoFrom(
  info: InfoAnswer,
  components: readonly { readonly Name: string }[],
  { apiVersion }: { readonly apiVersion: string },
): EngineInfo {
  const security = info.SecurityOptions ?? []
  const isPodman = components.some(({ Name }) => /podman/i.test(Name))
  return {
    product: isPodman ? 'Podman' : 'Docker',
    version: info.ServerVersion ?? '',
    apiVersion,
    platform: `${info.OSType ?? ''}/${info.Architecture ?? ''}`,
    operatingSystem: info.OperatingSystem ?? '',
    cpus: info.NCPU ?? 0,
    memoryBytes: info.MemTotal ?? 0,
    rootDirectory: info.DockerRootDir ?? '',
    storage: info.Driver ?? '',
    isContainerdStore: (info.DriverStatus ?? []).some(([, value]) => value?.startsWith('io.containerd.snapshotter')),
    cgroup: info.CgroupVersion ?? '',
    isRootless: security.some((option) => option.includes('rootless')),
    hasSelinux: security.some((option) => option.includes('selinux')),
    warnings: info.Warnings ?? [],
  }
}
