import type { ContainerDetail, ContainerState, Health, PortBinding, RunState } from '../engine.ts'

/** What is read of an entry of `GET /containers/json`. */
export interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  readonly Image: string
  readonly Command: string
  readonly Labels: Readonly<Record<string, string>>
  readonly State: string
  readonly Status: string
  readonly Ports?: readonly { IP: string; PublicPort: number; PrivatePort: number; Type: string }[]
  readonly NetworkSettings?: { readonly Networks: Readonly<Record<string, { readonly NetworkID: string }>> }
  readonly Mounts?: readonly { readonly Type: string; readonly Name?: string | undefined }[]
}

/** What is read of `GET /containers/{id}/json`. */
export interface Inspected {
  readonly Id: string
  readonly Name: string
  readonly Image: string
  readonly Path: string
  readonly Args: readonly string[]
  readonly Config: {
    readonly Hostname: string
    readonly Env?: readonly string[] | null
    readonly Healthcheck?: { readonly Retries?: number | undefined } | null | undefined
  }
  readonly HostConfig?: { readonly Memory?: number | undefined }
  readonly State: {
    readonly Status: string
    readonly ExitCode: number
    readonly OOMKilled: boolean
    readonly Error: string
    readonly Health?:
      | {
          readonly Status: string
          readonly FailingStreak?: number
          readonly Log?: readonly { readonly Output: string }[] | null | undefined
        }
      | undefined
  }
  readonly NetworkSettings: {
    readonly Ports?: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[] | null>> | null
  }
}

/** The engine writes a slash before it. */
export function nameOf({ Names }: { Names: readonly string[] }): string {
  return (Names[0] ?? '').replace(/^\//, '')
}

/** From the list of containers. */
export function containerState(info: Listed): ContainerState {
  const { Status: status } = info
  const exitCode = /^Exited \((\d+)\)/.exec(status)?.[1]
  return {
    id: info.Id,
    name: nameOf(info),
    image: info.Image,
    command: info.Command,
    labels: info.Labels,
    state: info.State as RunState,
    health: healthIn(status),
    exitCode: exitCode === undefined ? undefined : Number(exitCode),
    status,
    ports: portBindings(info.Ports),
    networks: Object.entries(info.NetworkSettings?.Networks ?? {}).map(([name, { NetworkID }]) => ({
      name,
      id: NetworkID,
    })),
    volumes: (info.Mounts ?? []).flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : [])),
  }
}

/** `Up 3 minutes (healthy)`: the list says it in words only. */
function healthIn(status: string): Health {
  const word = /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(status)?.[1]
  return readHealth(word)
}

function readHealth(word: string | undefined): Health {
  return word === 'starting' || word === 'healthy' || word === 'unhealthy' ? word : 'none'
}

/** Only ports that are published. */
export function portBindings(ports: Listed['Ports']): readonly PortBinding[] {
  return (ports ?? []).flatMap(({ IP, PublicPort, PrivatePort, Type }) =>
    PublicPort ? [{ host: IP, port: PublicPort, target: PrivatePort, protocol: Type }] : [],
  )
}

/** Of Docker, where the health check says none. */
const defaultRetries = 3

/** From the inspection of one container; what its image sets is no part of its own environment. */
export function containerDetail(info: Inspected, imageEnvironment: readonly string[]): ContainerDetail {
  const { State: state, Config: config } = info
  const own = (config.Env ?? []).filter((entry) => !imageEnvironment.includes(entry))
  const environment = own.map((entry) => /^([^=]*)=?(.*)$/s.exec(entry)?.slice(1) ?? [])
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ''),
    state: state.Status as RunState,
    hostname: config.Hostname,
    environment: Object.fromEntries(environment),
    exitCode: state.ExitCode,
    oomKilled: state.OOMKilled,
    error: state.Error,
    health: readHealth(state.Health?.Status),
    healthOutput: state.Health?.Log?.at(-1)?.Output ?? '',
    healthFailures: state.Health && {
      count: state.Health.FailingStreak ?? 0,
      limit: config.Healthcheck?.Retries || defaultRetries,
    },
    memoryLimit: info.HostConfig?.Memory || undefined,
    ports: Object.entries(info.NetworkSettings.Ports ?? {}).flatMap(([key, bindings]) => {
      const [target, protocol = 'tcp'] = key.split('/')
      return (bindings ?? []).map(({ HostIp, HostPort }) => ({
        host: HostIp,
        port: Number(HostPort),
        target: Number(target),
        protocol,
      }))
    }),
    command: [info.Path, ...info.Args],
  }
}
